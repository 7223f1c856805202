# Runs a program among the files of a pod: all that the machine has, without what lies in /run, and with the pod's own volumes.
#   unshare -rm sh pod.sh EMPTY-FOLDER [SOURCE MOUNT-PATH]... -- PROGRAM [WORD]...
set -eu
root=$1
shift
mount -t tmpfs tmpfs "$root"
for entry in /*; do
  if [ -L "$entry" ]; then
    cp -P "$entry" "$root/"
  elif [ -d "$entry" ]; then
    mkdir "$root$entry"
    [ "$entry" = /run ] || mount --rbind "$entry" "$root$entry"
  fi
done
# Ordinary users may lack it on their PATH.
chroot=$(PATH="$PATH:/usr/sbin:/sbin" command -v chroot)
exec "$chroot" "$root" sh -euc 'while [ "$1" != -- ]; do mkdir -p "$2"; mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"' sh "$@"
