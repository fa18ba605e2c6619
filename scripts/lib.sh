# lib.sh - what the scripts share: where things are, what they say, which packages they need.
# Sourced, never run. After sourcing, the working directory is the project's root.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# What a build needs, and what the tests need on top of it.
build_packages=(
    gcc libc6-dev make meson ninja-build pkg-config
    autoconf automake libtool dpkg-dev xz-utils ca-certificates debian-archive-keyring
    libpcre2-dev libcrypt-dev zlib1g-dev libc-ares-dev libcurl4-openssl-dev libcmocka-dev
)
test_packages=(
    python3 python3-pytest python3-cryptography openssl
)
# Servers that tests run beside ours, without their services.
test_servers=(nginx)
# What a build takes where Debian has it, and can do without.
optional_packages=()
if [ "$(uname -m)" = x86_64 ]; then
    optional_packages+=(libipsec-mb-dev)
fi

say() { printf '%s\n' "${0##*/}: $*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The numeric Debian release of this host; a derivative or a rolling system counts as 0.
debian_release() {
    [ -r /etc/os-release ] || { echo 0; return; }
    (. /etc/os-release; [ "${ID:-}" = debian ] && echo "${VERSION_ID:-99}" || echo 0)
}

# Prints those of the named packages that are not installed. dpkg-query also knows packages that
# were removed and left their configuration, so the status is read, not only the exit code.
packages_missing() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p') || true
    printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$installed" | grep .) || true
}

# Installs what is missing of the named packages; costs milliseconds when nothing is.
packages_are_installed() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: the reader brings the packages
    local missing
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    mkdir -p .deps/log
    local log=.deps/log/packages.log
    install_packages "${missing[@]}" >"$log" 2>&1 && return 0
    # Package lists may be missing or older than the mirror's pool: once more with fresh ones.
    { as_root apt-get -q update && install_packages "${missing[@]}"; } >>"$log" 2>&1 && return 0
    tail -n 20 "$log" >&2
    fail "cannot install: ${missing[*]}"
}

# The same for packages of servers. Debian starts a server's service when it is installed, and at
# each start of the host after it. A policy of "not allowed" (101) prevents the first, disabling the
# second; both only for what was missing before, so that a service of the host's own stays as it is.
servers_are_installed() (
    command -v dpkg-query >/dev/null || exit 0
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || exit 0
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin $policy
        trap 'as_root rm -f $policy' EXIT
    fi
    packages_are_installed "${missing[@]}"
    as_root systemctl disable --quiet "${missing[@]}" 2>/dev/null || true
)

# The same for those that can be done without.
packages_are_taken() {
    command -v dpkg-query >/dev/null && [ $# -gt 0 ] || return 0
    local name
    for name in $(packages_missing "$@"); do
        apt-cache show "$name" >/dev/null 2>&1 || continue
        (packages_are_installed "$name") || say "going on without $name"
    done
}

install_packages() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=120 install --no-install-recommends "$@"
}
