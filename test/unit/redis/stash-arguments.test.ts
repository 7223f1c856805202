import { redisBackupParameters, redisRestoreParameters } from "../../../functions/redis/parameters.ts";
import { readBackupArguments, readRestoreArguments } from "../../../functions/redis/stash-arguments.ts";
import { type DatabaseConnection, Secret } from "../../../runner/function.ts";
import { parseParameters } from "../../../runner/parameters.ts";

const words = (text: string) => text.split(" ").filter((word) => word !== "");
const backup = (text: string) => readBackupArguments(words(text));
const restore = (text: string) => readRestoreArguments(words(text));

const connection: DatabaseConnection = {
  description: "redis://db:6379",
  scheme: "redis",
  host: "db",
  port: 6379,
  path: "",
  tls: { verify: true },
  credentials: new Map([["password", new Secret("x")]]),
};

test("no arguments change nothing", () => {
  for (const read of [backup, restore]) {
    const { flags, warnings, words: understood, connect } = read("");

    expect([flags, warnings, understood]).toEqual([{}, [], []]);
    expect(connect(connection)).toEqual(connection);
  }
});

test.each(["-db 1", "-db=1", "--db 1", "--db=1"])("%s: a restore of the backup writes that database alone, and it is said so", (text) => {
  const { flags, warnings } = backup(text);

  expect(parseParameters(redisBackupParameters, { flags, environment: {} })).toMatchObject({ databases: [1] });
  expect(warnings).toEqual([expect.stringMatching(/every database.*database 1 alone/)]);
});

test("-db -1 is redis-dump-go's own word for all databases", () => {
  expect(backup("-db -1")).toMatchObject({ flags: {}, warnings: [] });
});

test.each([
  "-noscan",
  "-noscan=true",
  "-batchSize 500",
  "-n 20",
  "-ttl",
  "-ttl=true",
  "-output resp",
  "-output commands",
  "-s",
  "-filter *",
])("%s makes no difference to a backup", (text) => {
  const { flags, warnings, connect } = backup(`${text} -set-total-keys`);

  expect([flags, warnings, connect(connection)]).toEqual([{}, [], connection]);
});

test.each(["--pipe-timeout 300", "--pipe-timeout=0", "--pipe", "--no-auth-warning", "--verbose", "--raw", "-c", "-3", "-t 5"])(
  "%s makes no difference to a restore",
  (text) => {
    const { flags, warnings, connect } = restore(text);

    expect([flags, warnings, connect(connection)]).toEqual([{}, [], connection]);
  },
);

test("-n of a restore never chose a database, and it is said what does", () => {
  expect(restore("-n 3")).toMatchObject({ flags: {}, warnings: [expect.stringContaining("--databases 3")] });
});

test.each([backup("-user app -tls -insecure"), restore("--user app --tls --insecure")])(
  "user and TLS are those that the arguments ask for",
  (given) => {
    const changed = given.connect(connection);

    expect(changed).toMatchObject({ scheme: "rediss", host: "db", tls: { verify: false } });
    expect(changed.credentials.get("username")?.reveal()).toBe("app");
    expect(changed.credentials.get("password")?.reveal()).toBe("x");
  },
);

test("switches that are off change nothing", () => {
  expect(backup("-tls=false -insecure=0").connect(connection)).toEqual(connection);
});

test("our own flags may stand among them", () => {
  const given = restore("--policy replace --allow-missing-modules --databases=0,3 --pipe-timeout 300");

  expect(parseParameters(redisRestoreParameters, { flags: given.flags, environment: {} })).toEqual({
    policy: "replace",
    allowMissingModules: true,
    databases: [0, 3],
  });
  expect(backup("--allow-unchecked --redis-idle-timeout 5m").flags).toEqual({ "allow-unchecked": "true", "redis-idle-timeout": "5m" });
});

test.each([
  ["-filter user:*", /--filter: a backup always holds every key/],
  ["-ttl=false", /--ttl: expiry times are always part/],
  ["-db first", /--db: expected the number/],
  ["-output xml", /--output: expected resp or commands/],
  ["-noscan=perhaps", /--noscan: expected true or false/],
  ["-cacert /tmp/ca.crt", /--cacert: .*caBundle/],
  ["-cert a -key b", /--cert: .*tlsSecret.*--key: .*tlsSecret/],
  ["-host other -port 1", /--host: the AppBinding.*--port: the AppBinding/],
  ["-db", /--db: its value is missing/],
  ["-unheard-of", /--unheard-of: this argument is not known/],
  ["-constructor", /--constructor: this argument is not known/],
  ["stray", /a word that belongs to no argument/],
])("a backup refuses %s by name", (text, message) => {
  expect(() => backup(text)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }));
});

test.each([
  ["-a canary", /-a: a password/],
  ["--pass canary", /--pass: a password/],
  ["--askpass", /--askpass: a password/],
  ["-h canary", /-h: the AppBinding/],
  ["-p 7000", /-p: the AppBinding/],
  ["-u redis://canary@x", /-u: the AppBinding/],
  ["-s /canary.sock", /-s: the AppBinding/],
  ["--sni canary", /--sni: .*serverName/],
  ["--cacert /canary", /--cacert: .*caBundle/],
  ["--cacertdir /canary", /--cacertdir: .*caBundle/],
  ["-n canary", /-n: expected the number/],
  ["--pipe=canary", /--pipe: it takes no value/],
  ["--eval canary", /--eval: this argument is not known/],
  ["-acanary", /this argument is not known/],
])("a restore refuses %s by name, without its value", (text, message) => {
  expect(() => restore(text)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }));
  expect(() => restore(text)).not.toThrow(/canary/);
});

test("all faults stand in one message", () => {
  expect(() => backup("-filter a* -ttl=false -what")).toThrow(/--filter.*--ttl.*--what/);
});

test("a quoted argument is not put together again: what Stash split at its spaces is refused, not guessed at (R18)", () => {
  expect(() => backup('-user "two words"')).toThrow(/a word that belongs to no argument/);
  expect(() => restore("--user 'two words' --policy replace")).toThrow(/a word that belongs to no argument/);
});
