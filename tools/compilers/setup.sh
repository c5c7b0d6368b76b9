# Prepares what scripts/compilers runs: a Debian root, drivers, programs and models, each made once. Sourced.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The caller has set cache (absolute), tree (absolute) and build_name. Every step leaves a stamp in $cache/done with
# what it was made of and is skipped while that is the same; its output is in $cache/log.

: "${cache:?}" "${tree:?}" "${build_name:?}"

# Versions that the recorded figures are of. Where an archive has moved on, its newest is taken and said.
declare -A mesa_pin=([trixie]=25.0.7 [trixie-backports]=26.1)

become_root=()
[[ $EUID -eq 0 ]] || become_root=(sudo)

in_root() { GYRE_COMPILERS_CACHE=$cache GYRE_COMPILERS_TREE=$tree tools/compilers/in_root "$@"; }
in_root_as_user() { GYRE_COMPILERS_USER="$(id -u):$(id -g)" in_root "$@"; }

# logged NAME WORDS COMMAND...: runs it with its output in a log, to its first command that fails; then all ends. It must
# be called on a line of its own: after "if" or before "||" the shell would go on after a failure.
logged() {
    local log=$cache/log/$1.log words=$2 status
    shift 2
    set +e
    (set -euo pipefail; "$@") >"$log" 2>&1 </dev/null
    status=$?
    set -e
    [[ $status -ne 0 ]] || return 0
    tail -n 40 "$log" >&2
    die "$words: failed (all of the output: $log)"
}

# step NAME MADE_OF WORDS COMMAND...: does it once.
step() {
    local name=$1 made_of=$2 words=$3 stamp=$cache/done/$1 start=$SECONDS
    shift 3
    if [[ -e $stamp && $(<"$stamp") == "$made_of" ]]; then
        return
    fi
    say "$words"
    logged "$name" "$words" "$@"
    printf '%s\n' "$made_of" >"$stamp"
    say "$words: done in $((SECONDS - start)) s"
}

# The host's own mirror of Debian, so that what works for the host works for the root.
debian_mirror() {
    # shellcheck disable=SC2016  # apt expands it
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' | sed -n 's/^Debian //p' | sort -u | head -n 1
}

make_root() {
    local mirror
    mirror=$(debian_mirror)
    if [[ -z $mirror ]]; then # apt has read no lists yet, as in a fresh container
        scripts/setup refresh
        mirror=$(debian_mirror)
    fi
    [[ -n $mirror ]] || { echo "apt knows no Debian mirror (apt-get indextargets names none with the label Debian)"; exit 1; }
    rm -rf "$cache/root.new"
    "${become_root[@]}" debootstrap --variant=minbase --arch=amd64 trixie "$cache/root.new" "$mirror"
    # shellcheck disable=SC2016  # the inner shell expands it
    "${become_root[@]}" sh -ec '
        root=$1 mirror=$2
        mkdir -p "$root/cache" "$root/tool" "$root/tree"
        : >"$root/model.gguf"
        : >"$root/etc/apt/sources.list"
        for suite in trixie trixie-backports; do
            echo "deb $mirror $suite main"
            echo "deb-src $mirror $suite main"
        done >"$root/etc/apt/sources.list.d/gyre.list"
        { echo "APT::Install-Recommends \"false\";"
          echo "Acquire::Languages \"none\";"
          echo "DPkg::Options { \"--force-unsafe-io\"; };"
          echo "DPkg::Lock::Timeout \"900\";"
          apt-config dump | grep -E "^Acquire::https?::Proxy" || true
        } >"$root/etc/apt/apt.conf.d/90gyre"
        for folder in man doc locale; do echo "path-exclude=/usr/share/$folder/*"; done >"$root/etc/dpkg/dpkg.cfg.d/gyre"
        cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        ' make_root "$cache/root.new" "$mirror"
    mv "$cache/root.new" "$cache/root"
}

root_packages=(g++ cmake ninja-build glslang-tools spirv-tools libvulkan-dev libvulkan-volk-dev libutf8proc-dev
    libcli11-dev nlohmann-json3-dev zlib1g-dev libvulkan1 mesa-vulkan-drivers python3-numpy)
arm64_packages=(qemu-user crossbuild-essential-arm64 libvulkan-dev:arm64 libvulkan1:arm64 libutf8proc-dev:arm64
    zlib1g-dev:arm64 mesa-vulkan-drivers:arm64)

install_amd64() {
    in_root apt-get update -q
    in_root apt-get install -y -q "${root_packages[@]}"
}
install_arm64() {
    in_root dpkg --add-architecture arm64
    in_root apt-get update -q
    in_root apt-get install -y -q "${arm64_packages[@]}"
}

# newest PACKAGE SUITE PREFIX: the newest version of that suite that begins so; else the suite's newest.
newest() {
    local all
    all=$(in_root apt-cache madison "$1" | awk -F ' *[|] *' -v suite=" $2/" 'index($3, suite) {print $2}' | sed 's/ //g')
    grep -m 1 "^$3" <<<"$all" || head -n 1 <<<"$all"
}

# unpack_driver SUITE ARCH: Mesa's drivers of a suite beside those of the other one, each with its description for
# Vulkan's loader, and in the root the libraries that they need.
unpack_driver() {
    local suite=$1 arch=$2 folder=$cache/drivers/$1-$2 version library name needs
    version=$(newest mesa-vulkan-drivers "$suite" "${mesa_pin[$suite]}")
    [[ -n $version ]] || { echo "there is no mesa-vulkan-drivers in $suite"; exit 1; }
    in_root sh -ec "
        cd /cache/drivers
        rm -rf $suite-$arch/files
        apt-get download -q -o APT::Sandbox::User=root 'mesa-vulkan-drivers:$arch=$version'
        dpkg-deb -x mesa-vulkan-drivers_*_$arch.deb $suite-$arch/files
        dpkg-deb -f mesa-vulkan-drivers_*_$arch.deb Depends >$suite-$arch/depends
        rm mesa-vulkan-drivers_*_$arch.deb"
    needs=$(tr ',' '\n' <"$folder/depends" | sed -E 's/\|.*//; s/\(.*//; s/:any//; s/ //g; /^$/d' | sed "s/\$/:$arch/")
    # shellcheck disable=SC2086  # one word a package
    in_root apt-get install -y -q $needs || in_root apt-get install -y -q -t "$suite" $needs
    for library in "$folder"/files/usr/lib/*/libvulkan_*.so; do
        name=${library##*/libvulkan_}
        printf '{"file_format_version": "1.0.1", "ICD": {"library_path": "%s", "api_version": "1.4.305"}}\n' \
            "/cache${library#"$cache"}" >"$folder/${name%.so}.json"
    done
    printf '%s\n' "$version" >"$folder/version"
}

check_version() {
    local suite=$1 arch=$2 version
    version=$(<"$cache/drivers/$suite-$arch/version")
    [[ $version == "${mesa_pin[$suite]}"* ]] ||
        say "Mesa of $suite is $version now, not ${mesa_pin[$suite]}: recorded figures may differ for that alone"
}

fetch_headers() {
    local version
    version=$(newest linux-libc-dev trixie-backports "")
    in_root sh -ec "
        cd /cache
        rm -rf headers headers.unpacked
        apt-get download -q -o APT::Sandbox::User=root linux-libc-dev=$version
        dpkg-deb -x linux-libc-dev_*.deb headers.unpacked
        mv headers.unpacked/usr/include headers
        rm -r headers.unpacked linux-libc-dev_*.deb"
}

toolchain() { [[ $1 == amd64 ]] || printf '%s' -DCMAKE_TOOLCHAIN_FILE=/tool/tools/compilers/arm64.cmake; }

# Ninja looks by itself whether a source has changed.
build_tools() {
    # shellcheck disable=SC2046  # one argument or none
    in_root_as_user cmake -G Ninja -S /tool/tools/compilers -B "/cache/tools/$1" -DGYRE_DRM_HEADERS=/cache/headers \
        $(toolchain "$1")
    in_root_as_user cmake --build "/cache/tools/$1"
}
# compiler ARCHITECTURE: what compiles C for it
compiler() { if [[ $1 == amd64 ]]; then echo gcc; else echo aarch64-linux-gnu-gcc; fi; }

# The library, with shaders that are compiled once for all architectures, and the program that opens a session of it.
build_gyre() {
    # shellcheck disable=SC2046
    in_root_as_user cmake -G Ninja -S /tree -B "/cache/build/$build_name-$1" -DCMAKE_BUILD_TYPE=MinSizeRel \
        -DGYRE_SHADER_DIR="/cache/build/$build_name-shaders" $(toolchain "$1")
    in_root_as_user cmake --build "/cache/build/$build_name-$1" --target gyre
    in_root_as_user "$(compiler "$1")" -I/tree/include /tool/tools/compilers/one_session/one_session.c \
        -L"/cache/build/$build_name-$1/lib" -lgyre -Wl,-rpath,"/cache/build/$build_name-$1/lib" \
        -o "/cache/build/$build_name-$1/one_session"
    in_root_as_user glslangValidator --version | sed -n 's/^Glslang Version: //p' >"$cache/build/$build_name-$1/glslang"
}

# make_model NAME COMMAND...: the command's last argument is to be the file.
make_model() {
    local name=$1
    shift
    in_root_as_user python3 -B "$@" "/cache/models/$name.new"
    mv "$cache/models/$name.new" "$cache/models/$name.gguf"
}

# make_models FORMATS SHAPES
make_models() {
    local format shape tool=/tool/tools
    for format in $1; do
        step "model-$format" "$(cksum <tools/random_model.py)" "making a model in $format" \
            make_model "$format" "$tool/random_model.py" --layers 2 --type "$format"
    done
    for shape in $2; do
        step "model-$shape" "$(cat tools/random_model.py tools/published_shape.py tools/common/published_shapes.py | cksum)" \
            "making a model with the shape of $shape" make_model "$shape" "$tool/published_shape.py" "$shape"
    done
}

shim_packages=(meson python3-mako python3-yaml python3-packaging libdrm-dev libexpat1-dev libelf-dev libzstd-dev pkgconf
    flex bison xz-utils)

# Mesa's own stand-ins for the i915 and nouveau kernel drivers, from Debian's source package. Only these two targets are
# built. NVK asks for more than nouveau's stand-in of that version knows: the length of a submission (17, EXEC_PUSH_MAX),
# sizes of memory (18 and 19, VRAM_BAR_SIZE and VRAM_USED), and HAS_VMA_TILEMODE (20) of include/uapi/drm/nouveau_drm.h.
build_shims() {
    in_root apt-get install -y -q "${shim_packages[@]}"
    mkdir -p "$cache/shims"
    # shellcheck disable=SC2016  # the inner shell expands it
    in_root sh -ec '
        cd /cache/shims
        rm -rf source build
        apt-get source -q --download-only -o APT::Sandbox::User=root mesa/trixie
        mkdir source
        tar -x -C source --strip-components 1 -f mesa_*.orig.tar.xz
        sed -i "/case NOUVEAU_GETPARAM_PTIMER_TIME:/i \
            case 17: gp->value = 256; return 0; \
            case 18: gp->value = 3ull << 30; return 0; \
            case 19: case 20: gp->value = 0; return 0;" source/src/nouveau/drm-shim/nouveau_noop.c
        meson setup build source -Dbuildtype=release -Dtools=drm-shim,intel -Dgallium-drivers=nouveau \
            -Dvulkan-drivers= -Dplatforms= -Dglx=disabled -Degl=disabled -Dgbm=disabled -Dopengl=false \
            -Dgles1=disabled -Dgles2=disabled -Dllvm=disabled
        targets="src/intel/tools/libintel_noop_drm_shim.so src/nouveau/drm-shim/libnouveau_noop_drm_shim.so"
        ninja -C build $targets
        for target in $targets; do cp build/$target .; done
        rm -rf source build mesa_*'
}

# prepare ARCHITECTURES DRIVERS FORMATS SHAPES SHIMS: words, as "amd64 arm64", "trixie-amd64", "f16 q8_0", yes or no
prepare() {
    local arch driver
    mkdir -p "$cache"/{done,log,drivers,tools,build,models,records,work,out}
    exec 9>"$cache/setup.lock"
    flock --nonblock 9 || { say "another run prepares $cache; waiting for it"; flock 9; }
    step root trixie "making a Debian 13 root (debootstrap)" make_root
    step packages-amd64 "${root_packages[*]}" "installing packages in the root" install_amd64
    [[ $1 != *arm64* ]] ||
        step packages-arm64 "${arm64_packages[*]}" "installing arm64 packages and qemu-user in the root" install_arm64
    for driver in $2; do
        mkdir -p "$cache/drivers/$driver"
        step "driver-$driver" "files of ${mesa_pin[${driver%-*}]}" "unpacking Mesa of ${driver%-*} for ${driver##*-}" \
            unpack_driver "${driver%-*}" "${driver##*-}"
        check_version "${driver%-*}" "${driver##*-}"
    done
    [[ $5 == no ]] || step shims "${mesa_pin[trixie]}" "building Mesa's drm-shims (minutes)" build_shims
    step headers 1 "fetching the kernel's headers" fetch_headers
    for arch in $1; do
        say "building the layer and gyre for $arch"
        logged "tools-$arch" "building the layer" build_tools "$arch"
        logged "gyre-$build_name-$arch" "building gyre" build_gyre "$arch"
    done
    make_models "$3" "$4"
    exec 9>&-
}
