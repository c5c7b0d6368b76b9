# The bare Debian root of scripts/test-installed: made, entered, removed. Sourced.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154  # setup.sh sets become_root
#
# The caller has set cache and root (absolute), suite, and has sourced tools/compilers/setup.sh.

: "${cache:?}" "${root:?}" "${suite:?}"

# in_root COMMAND...: runs it as root of the Debian root. It sees $cache/packages as /packages, and apt's downloads are
# kept in $cache/archives. Mounts and processes end with it.
in_root() {
    # shellcheck disable=SC2016  # the inner shell expands it
    "${become_root[@]}" unshare --mount --pid --fork --kill-child --propagation private /bin/sh -ec '
        root=$1 packages=$2 archives=$3
        shift 3
        mount -t proc proc "$root/proc"
        mount -t devpts devpts "$root/dev/pts"
        mount --bind "$packages" "$root/packages"
        mount --bind "$archives" "$root/var/cache/apt/archives"
        exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive "$@"' in_root "$root" "$cache/packages" "$cache/archives/$suite" "$@"
}

# What debootstrap calls minbase, with the host's mirror and proxies, packed.
make_base_of_suite() {
    local mirror
    mirror=$(debian_mirror)
    if [[ -z $mirror ]]; then # apt has read no lists yet, as in a fresh container
        scripts/setup refresh
        mirror=$(debian_mirror)
    fi
    [[ -n $mirror ]] || { echo "apt knows no Debian mirror (apt-get indextargets names none with the label Debian)"; exit 1; }
    # shellcheck disable=SC2016  # the inner shell expands it
    "${become_root[@]}" sh -ec '
        root=$1 suite=$2 mirror=$3 to=$4
        rm -rf "$root" "$to.new"
        debootstrap --variant=minbase "$suite" "$root" "$mirror"
        mkdir -p "$root/packages"
        { echo "Acquire::Languages \"none\";"
          echo "DPkg::Options { \"--force-unsafe-io\"; };"
          apt-config dump | grep -E "^Acquire::https?::Proxy" || true
        } >"$root/etc/apt/apt.conf.d/90gyre"
        cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        tar -C "$root" --one-file-system -cf "$to.new" .
        rm -rf "$root"
        mv "$to.new" "$to"' make_base "$root" "$suite" "$mirror" "$cache/$suite.tar"
}
make_base() {
    mkdir -p "$cache/archives/$suite/partial"
    [[ -e $cache/$suite.tar ]] || rm -f "$cache/done/base-$suite"
    step "base-$suite" 1 "making a bare $suite (debootstrap)" make_base_of_suite
}

new_root() {
    remove_root
    "${become_root[@]}" mkdir -p "$root"
    "${become_root[@]}" tar -C "$root" -xf "$cache/$suite.tar"
}
remove_root() { "${become_root[@]}" rm -rf --one-file-system "$root"; }
