#!/bin/sh
# Proves that a plain Debian 12 is enough: makes one with debootstrap under build/fresh, gives it make, git and
# ca-certificates and a clone of the last commit, runs `make demo` and then `make test` inside, and reports exit codes
# and wall times, the package installation apart. Needs root, debootstrap and a package mirror: the machine's own.
#   tests/fresh.sh [--keep] [DEMO=short]     --keep: leave the root in place
# Exit codes: 0 both passed, 1 not, 3 the root could not be made.
set -u
cd "$(dirname "$0")/.."
root=$PWD/build/fresh
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    echo "fresh: needs root and debootstrap" >&2
    exit 3
fi

# In namespaces of its own, so that mounts and processes end with this script, however it ends.
if [ -z "${BITDIAL_FRESH:-}" ]; then
    keep=
    [ "${1:-}" = --keep ] && keep=1 && shift
    [ "${keep}" ] || trap 'rm -rf --one-file-system "$root"' EXIT
    trap 'exit 3' INT TERM
    rm -rf --one-file-system "$root"
    BITDIAL_FRESH=1 unshare --mount --pid --fork --kill-child sh "$0" "$@"
    exit
fi

# The machine's Debian mirror, from either form of its list.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n 's/^URIs: *//p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' | grep -E '/debian/?$' | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}
security=$(echo "$mirror" | sed 's|/debian/*$|/debian-security|')

start=$(date +%s)
mkdir -p build
debootstrap --variant=minbase bookworm "$root" "$mirror" >build/fresh-debootstrap.log 2>&1 || {
    tail -n 20 build/fresh-debootstrap.log >&2
    exit 3
}
rm -f build/fresh-debootstrap.log
{
    echo "deb $mirror bookworm main"
    echo "deb $mirror bookworm-updates main"
    # A mirror without the security archive is still a mirror.
    apt-cache policy 2>/dev/null | grep -q bookworm-security && echo "deb $security bookworm-security main"
} >"$root/etc/apt/sources.list"
# What reaches the mirror from here: proxies, names.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    [ -f "$file" ] && grep -qi 'proxy\|Acquire::' "$file" && cp "$file" "$root/etc/apt/apt.conf.d/"
done
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount --make-rprivate /
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/dev/shm" || exit 3

inside() {
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        chroot "$root" sh -c "$1"
}
inside 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    make git ca-certificates' >build/fresh-apt.log 2>&1 </dev/null || {
    tail -n 20 build/fresh-apt.log >&2
    exit 3
}
rm -f build/fresh-apt.log
git clone -q --no-hardlinks . "$root/root/bitdial" || exit 3
echo "fresh: Debian $(cat "$root/etc/debian_version") with $(inside 'dpkg-query -f . -W | wc -c') packages in $(($(date +%s) - start)) s"

# Runs one target; leaves its exit code, wall time and package time in code, wall, packages.
timed() {
    start=$(date +%s)
    { inside "cd /root/bitdial && make $*" 2>&1 </dev/null; echo $? >"$root/code"; } | tee "$root/log"
    wall=$(($(date +%s) - start))
    code=$(cat "$root/code")
    packages=$(sed -n 's/^packages took \([0-9]*\) s$/\1/p' "$root/log")
}
timed demo "$@"
demo="demo: exit code $code in $wall s, of which packages ${packages:-0} s"
demo_code=$code
timed test
echo "fresh: $demo"
echo "fresh: test: exit code $code in $wall s, of which packages ${packages:-0} s"
[ "$demo_code" = 0 ] && [ "$code" = 0 ]
