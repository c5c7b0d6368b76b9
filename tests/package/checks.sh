# The checks of scripts/test-installed, in their order; each goes on from what those before it installed. Sourced.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154  # the root's shell expands what is quoted; setup.sh sets become_root
#
# The caller has made the root (in_root.sh). Programs run on lavapipe, which the package gyre recommends.

: "${cache:?}" "${root:?}"

checks=(debs_install program_writes manual completions c_shared c_static cpp_shared cpp_static no_shader_compiler
    subdirectory static_installation)
if compgen -G 'bindings/java/target/*.jar' >/dev/null; then
    checks+=(java)
fi
checks+=(debs_purge archive_anywhere)

declare -A words=(
    [debs_install]="apt installs libgyre0, libgyre-dev and gyre, and a Vulkan driver with them"
    [program_writes]="gyre run writes on with the shipped model, gyre chat answers with a chat template"
    [manual]="man gyre shows every command, without a warning"
    [completions]="bash, zsh and fish complete every command, and options"
    [c_shared]="C by pkg-config, the shared library: the same text and answers"
    [c_static]="C by pkg-config --static, the archive: the same text"
    [cpp_shared]="C++ by find_package: the same text and answers"
    [cpp_static]="C++ by find_package, COMPONENTS static: the same text"
    [no_shader_compiler]="no shader compiler, CLI11 or nlohmann_json is installed"
    [subdirectory]="add_subdirectory of the archive of the sources: builds, the same text"
    [static_installation]="a static installation: what pkg-config --static --libs gyre prints links"
    [java]="the jar in a fresh Maven project: the same text, after the prompt, and the same answers"
    [debs_purge]="apt purges them, and no file is left"
    [archive_anywhere]="the archive of the installation runs from any folder: the same text"
)

passed=0
failed=0
# check NAME: a line with its result; its output is in a log, whose end is shown if it failed.
check() {
    local log=$cache/log/$1.log start=$SECONDS result=ok status
    set +e
    (set -euo pipefail; "check_$1") >"$log" 2>&1 </dev/null
    status=$?
    set -e
    if [[ $status -eq 0 ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) result=FAILED
    fi
    printf '%-6s  %s (%d s)\n' "$result" "${words[$1]}" $((SECONDS - start))
    [[ $status -eq 0 ]] || tail -n 30 "$log" | sed 's/^/        /'
}

installs() { in_root apt-get install -q -y --no-install-recommends "$@"; }
model=/usr/share/gyre/models/gyre-books-5m.gguf
prompt="Once upon a time"
chat_model=/tmp/chat.gguf

# same_text COMMAND...: it writes what gyre run wrote.
same_text() {
    in_root "$@" >"$root/tmp/text"
    diff "$root/tmp/expected" "$root/tmp/text"
}

# same_answers COMMAND...: it answers what gyre chat answered.
same_answers() {
    in_root "$@" <"$cache/questions" >"$root/tmp/answers"
    diff "$root/tmp/expected-answers" "$root/tmp/answers"
}

# The examples in the root's /src, as an application developer has them.
copy_examples() {
    "${become_root[@]}" mkdir -p "$root/src"
    "${become_root[@]}" cp -r apps/examples/. "$root/src"
}

check_debs_install() {
    in_root apt-get update -q
    in_root sh -ec 'apt-get install -q -y /packages/*.deb'
    in_root dpkg -s mesa-vulkan-drivers >/dev/null
    in_root sh -ec 'gyre --version; gyre devices' | tee "$root/tmp/devices"
    grep -q llvmpipe "$root/tmp/devices"
}

check_program_writes() {
    in_root gyre run -p "$prompt" -n 100 >"$root/tmp/expected"
    cat "$root/tmp/expected"
    [[ $(wc -c <"$root/tmp/expected") -gt 200 ]]
    # Three turns of these do not fit into the model's context: the oldest is forgotten.
    printf '%s\n' "A ship came in." "Who was on board?" "And what did they want?" >"$cache/questions"
    python3 -B tests/package/chat_model.py "$root$model" "$root/tmp/chat.gguf"
    in_root gyre chat -m "$chat_model" -n 400 <"$cache/questions" >"$root/tmp/expected-answers"
    [[ $(wc -c <"$root/tmp/expected-answers") -gt 600 ]]
}

check_manual() {
    local command
    installs man-db
    in_root sh -ec 'MANWIDTH=80 man --warnings=w gyre 2>/tmp/warnings | cat >/tmp/manual'
    diff /dev/null "$root/tmp/warnings"
    for command in $(list_commands); do
        grep -q "^ *gyre $command" "$root/tmp/manual"
    done
}
list_commands() { in_root gyre --help | awk 'tolower($0) ~ /^subcommands:/ {inside = 1} inside && /^  [a-z]/ {print $1}'; }

check_completions() {
    local expected
    installs bash-completion zsh fish
    expected=$(list_commands | sort)
    [[ $(wc -l <<<"$expected") -ge 7 ]]
    # bash: loaded by name, as on a terminal.
    in_root bash -ec 'source /usr/share/bash-completion/bash_completion
        __load_completion gyre || _comp_load gyre
        COMP_WORDS=(gyre "") COMP_CWORD=1; _gyre; printf "%s\n" "${COMPREPLY[@]}" | grep -v "^-" | sort' >"$root/tmp/bash"
    # zsh: its completion system asks our function; what it is told is printed in place of being shown.
    in_root zsh -fc 'autoload -Uz compinit; compinit -u; whence -w _gyre >&2; [[ $_comps[gyre] == _gyre ]] || exit 1
        _describe() { [[ $1 == -o ]] && shift; print -l -- ${(P)2} }
        words=(gyre ""); CURRENT=2; PREFIX=""; autoload +X _gyre; _gyre | cut -d : -f 1 | sort' >"$root/tmp/zsh"
    in_root fish -c 'complete -C "gyre "' | cut -f 1 | sort >"$root/tmp/fish"
    diff - "$root/tmp/bash" <<<"$expected"
    diff - "$root/tmp/zsh" <<<"$expected"
    diff - "$root/tmp/fish" <<<"$expected"
    in_root fish -c 'complete -C "gyre run --when"' | grep -x -- '--when-full.When the context is full.*'
    in_root fish -c 'complete -C "gyre run --when-full s"' | cut -f 1 | sort | diff - <(printf '%s\n' slide stop)
    in_root zsh -fc '_describe() { [[ $1 == -o ]] && shift; print -l -- ${(P)2} }; _files() { print files }
        words=(gyre run --w); CURRENT=3; PREFIX=--w; autoload +X _gyre; _gyre' | grep -x -- '--when-full:When the context is full.*'
}

check_c_shared() {
    copy_examples
    installs gcc libc6-dev pkg-config
    in_root sh -ec 'cd /src/c; for name in generate chat; do
            gcc -Wall -Werror $name.c -o $name $(pkg-config --cflags --libs gyre); ldd $name | grep libgyre
        done'
    same_text /src/c/generate "$model" "$prompt"
    same_answers /src/c/chat "$chat_model"
}

check_c_static() {
    in_root sh -ec 'cd /src/c; flags=$(pkg-config --static --define-variable=library=:libgyre.a --cflags --libs gyre); echo "$flags"
        gcc -Wall -Werror generate.c -o static $flags; ! ldd static | grep libgyre'
    same_text /src/c/static "$model" "$prompt"
}

check_cpp_shared() {
    installs g++ cmake make
    in_root sh -ec 'cmake -S /src/cpp -B /src/cpp/build; cmake --build /src/cpp/build; ldd /src/cpp/build/generate | grep libgyre'
    same_text /src/cpp/build/generate "$model" "$prompt"
    same_answers /src/cpp/build/chat "$chat_model"
}

check_cpp_static() {
    in_root sh -ec 'cp -r /src/cpp /src/static; rm -r /src/static/build
        sed -i "s/CONFIG REQUIRED/CONFIG REQUIRED COMPONENTS static/" /src/static/CMakeLists.txt
        cmake -S /src/static -B /src/static/build; cmake --build /src/static/build; ! ldd /src/static/build/generate | grep libgyre'
    same_text /src/static/build/generate "$model" "$prompt"
}

check_no_shader_compiler() {
    local name
    for name in glslangValidator glslang spirv-opt spirv-val; do
        if in_root sh -c "command -v $name"; then return 1; fi
    done
    if in_root sh -c 'dpkg -s libcli11-dev || dpkg -s nlohmann-json3-dev'; then return 1; fi
}

# Gyre's source in a project of somebody else, who builds a static library and installs it too.
check_subdirectory() {
    installs ninja-build libvulkan-dev libvulkan-volk-dev libutf8proc-dev zlib1g-dev
    in_root sh -ec 'mkdir /src/gyre; tar -x -C /src/gyre --strip-components 1 -f $(ls /packages/gyre-*.tar.gz | grep -v Linux)
        cmake -S /src/gyre/tests/package/parent -B /src/parent -G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel -DGYRE_SOURCE=/src/gyre \
            -DGYRE_INSTALL=ON | tee /tmp/configured
        grep "Shader modules: those of shaders/prebuilt" /tmp/configured
        cmake --build /src/parent'
    same_text /src/parent/programs/generate "$model" "$prompt"
}

check_static_installation() {
    in_root sh -ec 'cmake --install /src/parent --prefix /opt/static; test ! -e /opt/static/lib/libgyre.so
        export PKG_CONFIG_PATH=/opt/static/lib/pkgconfig; pkg-config --static --libs gyre
        gcc /src/c/generate.c -o /src/c/opt $(pkg-config --cflags gyre) $(pkg-config --static --libs gyre)
        ! ldd /src/c/opt | grep libgyre'
    same_text /src/c/opt "$model" "$prompt"
}

check_java() {
    installs maven default-jdk-headless ca-certificates
    # Certificates that the host's owner trusts, as behind a proxy.
    "${become_root[@]}" mkdir -p "$root/usr/local/share/ca-certificates" "$root/src/jars"
    "${become_root[@]}" cp -rT /usr/local/share/ca-certificates "$root/usr/local/share/ca-certificates"
    in_root update-ca-certificates
    "${become_root[@]}" cp bindings/java/pom.xml bindings/java/target/*.jar "$root/src/jars"
    in_root sh -ec 'cd /src/jars; rm -f *-sources.jar *-javadoc.jar *-tests.jar
        for jar in *.jar; do mvn -q -B org.apache.maven.plugins:maven-install-plugin:3.1.2:install-file -Dfile=$jar -DpomFile=pom.xml; done
        mvn -q -B -f /src/java/pom.xml package'
    in_root java -jar /src/java/target/write.jar "$model" "$prompt" | diff <(printf '%s' "$prompt"; cat "$root/tmp/expected") -
    same_answers java -cp /src/java/target/write.jar Chat "$chat_model"
}

check_debs_purge() {
    "${become_root[@]}" cp "$root$model" "$root/tmp/model.gguf"
    in_root apt-get purge -q -y gyre libgyre-dev libgyre0
    in_root sh -ec '! find / -xdev \( -path /src -o -path /opt -o -path /tmp -o -path /root -o -path /packages -o -path /proc \
        -o -path /var/cache \) -prune -o -iname "*gyre*" -print | grep -v /etc/apt/apt.conf.d/90gyre'
}

check_archive_anywhere() {
    in_root sh -ec 'mkdir "/opt/any where"; tar -x -C "/opt/any where" --strip-components 1 -f /packages/gyre-*-Linux-*.tar.gz
        ldd "/opt/any where/bin/gyre"'
    same_text "/opt/any where/bin/gyre" run -p "$prompt" -n 100
}
