#!/bin/sh
# Makes the root filesystem of the image in the folder $1: the libraries that Node needs, the certificates of public authorities, two users.
# Runs on Debian; the packages are of its own release and architecture.
set -eu
root=$1
packages="libc6 libgcc-s1 libstdc++6 libatomic1 ca-certificates"

mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot" "$root/tmp" "$root/var/lib/dpkg/status.d" "$root/unpacked" "$root/debs"
chmod 1777 "$root/tmp"
# _apt may not write here.
(cd "$root/debs" && apt-get -o APT::Sandbox::User=root download $packages)
for deb in "$root"/debs/*.deb; do
  dpkg-deb -x "$deb" "$root/unpacked"
  # Where scanners look for the packages of an image without dpkg.
  dpkg-deb -f "$deb" > "$root/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)"
done
cat "$root"/unpacked/usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"

cd "$root/unpacked"
# The loader, libraries (without those that watch programs, and without converters of character sets), and each package's licence.
find . \( -path './lib/*' -o -path './lib64/*' -o -path './usr/lib/*' -o -path './usr/lib64/*' -o -name copyright \) ! -type d \
  ! -path '*/gconv/*' ! -path '*/audit/*' ! -path './usr/lib/locale/*' ! -name 'libmemusage*' ! -name 'libpcprofile*' ! -name 'libthread_db*' \
  | tar -cf - -T - | tar -xf - -C "$root"
cd /
rm -rf "$root/unpacked" "$root/debs"

cat > "$root/etc/passwd" <<PASSWD
root:x:0:0:root:/nonexistent:/nonexistent
nonroot:x:65532:65532:nonroot:/home/nonroot:/nonexistent
PASSWD
cat > "$root/etc/group" <<GROUP
root:x:0:
nonroot:x:65532:
GROUP
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
