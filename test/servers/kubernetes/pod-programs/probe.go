// Tries what a pod can do: probe say WORD... | exit CODE | eat MEBIBYTES | whoami | get URL | serve PORT | wait
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

func main() {
	if len(os.Args) < 2 {
		fail("usage: probe say|exit|eat|whoami|get|serve|wait ...")
	}
	arguments := os.Args[2:]
	switch os.Args[1] {
	case "say":
		fmt.Println(strings.Join(arguments, " "))
	case "exit":
		os.Exit(number(arguments))
	case "eat":
		eat(number(arguments))
	case "whoami":
		whoAmI()
	case "get":
		get(http.DefaultClient, request("GET", arguments[0], nil))
	case "serve":
		serve(number(arguments))
	case "wait":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("waiting")
		fmt.Println(<-signals)
	default:
		fail("unknown: " + os.Args[1])
	}
}

// Touches every page, so that the memory is really taken.
func eat(mebibytes int) {
	eaten := make([][]byte, 0, mebibytes)
	for range mebibytes {
		piece := make([]byte, 1<<20)
		for at := 0; at < len(piece); at += 4096 {
			piece[at] = 1
		}
		eaten = append(eaten, piece)
	}
	fmt.Println("ate", len(eaten))
}

// Asks the API server, by the address and the account that every pod is given.
func whoAmI() {
	authority, token := read("ca.crt"), read("token")
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		fail("no authority")
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	host := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	body := strings.NewReader(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)
	review := request("POST", "https://"+host+"/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
	review.Header.Set("Authorization", "Bearer "+string(token))
	review.Header.Set("Content-Type", "application/json")
	get(client, review)
}

func get(client *http.Client, wanted *http.Request) {
	answer, err := client.Do(wanted)
	if err != nil {
		fail(err.Error())
	}
	defer answer.Body.Close()
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		fail(err.Error())
	}
	if answer.StatusCode >= 300 {
		fail(answer.Status)
	}
}

func serve(port int) {
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprint(answer, "served") })
	fail(http.ListenAndServe(":"+strconv.Itoa(port), nil).Error())
}

func request(method, url string, body io.Reader) *http.Request {
	made, err := http.NewRequest(method, url, body)
	if err != nil {
		fail(err.Error())
	}
	return made
}

func read(name string) []byte {
	content, err := os.ReadFile(account + name)
	if err != nil {
		fail(err.Error())
	}
	return content
}

func number(arguments []string) int {
	if len(arguments) != 1 {
		fail("a number is missing")
	}
	value, err := strconv.Atoi(arguments[0])
	if err != nil {
		fail(err.Error())
	}
	return value
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
