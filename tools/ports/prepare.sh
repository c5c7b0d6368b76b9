# Gets what scripts/ports compiles with and runs on: packages, sources, a Debian 13 root, zig, Wine. Sourced.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The caller has set cache (absolute). What is made once leaves a stamp in $cache/done with what it was made of.

: "${cache:?}"

# For step, make_root and in_root. The root of scripts/compilers holds the drivers that its figures are of: this one is
# another.
tree=$PWD
# shellcheck disable=SC2034  # setup.sh asks for it
build_name=ports
source tools/compilers/setup.sh

zig_version=0.17.1
root_ports_packages=(g++ clang-19 libc++-19-dev libc++abi-19-dev lld-19 cmake ninja-build ccache glslang-tools spirv-tools
    libvulkan-dev libvulkan-volk-dev libutf8proc-dev libcli11-dev nlohmann-json3-dev zlib1g-dev libvulkan1
    mesa-vulkan-drivers)

# archives: Debian's archives, the host's own first.
archives() {
    debian_mirror
    sed -n 's/^set(GYRE_DEBIAN_ARCHIVES \([^)]*\)$/\1/p' cmake/Dependencies.cmake | tr ' ' '\n'
}

# fetch_pinned FILE HASH TARGET: through apt's own downloader, which knows the host's proxies.
fetch_pinned() {
    local archive
    for archive in $(archives); do
        if "${become_root[@]}" /usr/lib/apt/apt-helper download-file "$archive/pool/main/$1" "$3" "SHA256:$2"; then
            return
        fi
    done
    echo "no archive of Debian has $1"
    return 1
}

# The folder for GYRE_BUNDLED_DEPS_DIR: what cmake/Dependencies.cmake pins.
unpack_sources() {
    local folder file hash
    rm -rf "$cache/sources" "$cache/sources.new"
    mkdir -p "$cache/downloads" "$cache/sources.new"
    while read -r folder file hash; do
        mkdir "$cache/sources.new/$folder"
        fetch_pinned "$file" "$hash" "$cache/downloads/$(basename "$file")"
        if [[ $file == *.deb ]]; then
            dpkg-deb -x "$cache/downloads/$(basename "$file")" "$cache/unpacked"
            cp "$cache"/unpacked/usr/include/* "$cache/sources.new/$folder"
            rm -r "$cache/unpacked"
            continue
        fi
        tar -x -C "$cache/sources.new/$folder" --strip-components 1 -f "$cache/downloads/$(basename "$file")"
    done <<<"$(pins)"
    mv "$cache/sources.new" "$cache/sources"
}
pins() { sed -n 's/^    "\([a-z0-9-]*\) *\([^ ]*\) *\([0-9a-f]\{64\}\)"$/\1 \2 \3/p' cmake/Dependencies.cmake; }
prepare_sources() { step sources "$(pins)" "fetching the sources of zlib, utf8proc, volk and others" unpack_sources; }

install_in_root() {
    in_root apt-get update -q
    in_root apt-get install -y -q "${root_ports_packages[@]}"
}
prepare_root() {
    scripts/setup compilers
    step root trixie "making a Debian 13 root (debootstrap)" make_root
    step root-packages "${root_ports_packages[*]}" "installing compilers in the root" install_in_root
}

install_zig() {
    python3 -m venv "$cache/zig-python"
    "$cache/zig-python/bin/pip" install -q "ziglang==$zig_version"
}
# CMake wants one file for each tool.
write_zig_tools() {
    local target=$1 folder=$cache/zig-$1 tool
    mkdir -p "$folder"
    for tool in cc:cc c++:c++ ar:ar ranlib:ranlib; do
        local options=()
        [[ $tool != c* ]] || options=(-target "$target")
        printf '#!/bin/sh\nexec "%s/zig-python/bin/python" -m ziglang %s %s "$@"\n' "$cache" "${tool#*:}" \
            "${options[*]}" >"$folder/${tool%:*}"
        chmod +x "$folder/${tool%:*}"
    done
}
prepare_zig() {
    step zig "$zig_version" "installing zig $zig_version (PyPI: ziglang)" install_zig
    write_zig_tools "$1"
}

# An arm64 Vulkan driver and loader, out of a package that is not installed; apt's lists of arm64 are kept apart from the
# host's. Debian 12's own arm64 lavapipe ends the process: LLVM 15 cannot select an instruction of it.
unpack_arm64_driver() {
    local apt=$cache/arm64-apt driver=$cache/arm64-driver options
    rm -rf "$driver"
    mkdir -p "$apt"/{lists,cache/archives}/partial "$driver"
    # shellcheck disable=SC2016  # apt expands it
    apt-get indextargets --format '$(LABEL) $(REPO_URI) $(CODENAME)' | awk '/^Debian(-Security)? / {
        print "deb [arch=arm64]", $2, $3, "main"}' | sort -u >"$apt/sources.list"
    : >"$apt/status"
    options=(-q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::Etc::sourcelist=$apt/sources.list"
        -o Dir::Etc::sourceparts=/nonexistent -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
        -o "Dir::State::status=$apt/status" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$driver" && apt-get "${options[@]}" download chromium-common && dpkg-deb -x chromium-common_*.deb unpacked)
    dpkg-deb -f "$driver"/chromium-common_*.deb Version >"$driver/VERSION"
    mv "$driver"/unpacked/usr/lib/chromium/{libvk_swiftshader.so,vk_swiftshader_icd.json,libvulkan.so.1} "$driver"
    rm -r "$driver"/unpacked "$driver"/chromium-common_*.deb
}
prepare_arm64_driver() { step arm64-driver 1 "fetching SwiftShader for arm64 (37 MB)" unpack_arm64_driver; }

# Wine's own folder of Windows, without the parts that ask for downloads.
make_wine_folder() {
    rm -rf "$cache/wine"
    mkdir "$cache/wine"
    xvfb-run -a tools/ports/wine wineboot --init
    end_wine
}
# Wine's own processes go on without a program, and would miss the display.
end_wine() { WINEPREFIX=$cache/wine /usr/lib/wine/wineserver64 -k -w || true; }
prepare_wine() { step wine "$(dpkg-query -W -f '${Version}' wine64)" "making Wine's folder" make_wine_folder; }
