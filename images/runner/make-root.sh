#!/bin/sh
# Makes the root filesystem of the image in the folder $1: the libraries that Node links, the certificates of public authorities, two users.
# Runs on Debian, as root; the packages are of its own release and architecture.
set -eu
root=$1
work=$(mktemp -d)

mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot" "$root/tmp" "$root/var/lib/dpkg/status.d" "$work/unpacked"
chmod 1777 "$root/tmp"

cd "$work"
# As root: the user that apt would download as may not write here.
apt-get -o APT::Sandbox::User=root download libc6 libgcc-s1 libstdc++6 libatomic1 ca-certificates
# The licence of the compiler's libraries lies in a package of its own.
apt-get -o APT::Sandbox::User=root download "$(dpkg-deb -f libgcc-s1_*.deb Depends | grep -o 'gcc-[0-9]*-base')"
for deb in *.deb; do
  dpkg-deb -x "$deb" unpacked
  # Where scanners look for the packages of an image without dpkg.
  dpkg-deb -f "$deb" > "$root/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)"
done

cd unpacked
cat usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"
# The loader and the libraries, without those that watch programs and those that convert character sets; and each package's licence.
find . \( -path './lib*' -o -path './usr/lib*' -o -path './usr/share/doc/*/copyright' \) ! -type d \
  ! -path '*/gconv/*' ! -path '*/audit/*' ! -path '*/gcc/*' ! -path '*/examples/*' ! -path './usr/lib/locale/*' \
  ! -name 'libmemusage*' ! -name 'libpcprofile*' ! -name 'libthread_db*' ! -name 'libc_malloc_debug*' |
  tar -cf - -T - | tar -xf - -C "$root"
# Releases that know only /usr/lib leave these links to another package.
for each in lib lib64; do
  if [ -e "$root/usr/$each" ] && [ ! -e "$root/$each" ]; then ln -s "usr/$each" "$root/$each"; fi
done
cd /
rm -rf "$work"

cat > "$root/etc/passwd" <<PASSWD
root:x:0:0:root:/nonexistent:/nonexistent
nonroot:x:65532:65532:nonroot:/home/nonroot:/nonexistent
PASSWD
cat > "$root/etc/group" <<GROUP
root:x:0:
nonroot:x:65532:
GROUP
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
