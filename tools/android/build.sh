# The steps of scripts/android that make something. Sourced by it; the last line of output is the table's.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031  # what fetch_sources sets is meant for its subshell alone

: "${out:?}" "${cache:?}" "${api:?}" "${version:?}" "${aar:?}" "${apk:?}" "${ndk?}" "${abis[*]:?}"

checks=apps/android/robolectric
demo=apps/android/demo/src/main
library=apps/android/library/src/main
java_sources=(bindings/java/src/main/java "$library/java")

# fetch_tools: Robolectric, an Android framework and D8; where Maven has put them is kept in classpath.txt.
fetch_tools() {
    local plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1 aars archive
    if ! cmp -s $checks/pom.xml "$cache/pom.xml" || ! class_path_exists; then
        mvn -q -B -Dstyle.color=never -f $checks/pom.xml $plugin:build-classpath -Dmdep.outputFile="$cache/classpath.txt" || return 1
        cp $checks/pom.xml "$cache/pom.xml"
    fi
    # Two of them are AARs, whose classes are in a jar inside.
    mapfile -t aars < <(tr ':' '\n' <"$cache/classpath.txt" | grep '\.aar$')
    for archive in "${aars[@]}"; do
        unzip -qop "$archive" classes.jar >"$cache/$(basename "$archive" .aar).jar" || return 1
    done
    # Robolectric looks for the framework here, and not in the network.
    mkdir -p "$cache/frameworks"
    ln -sf "$(tool_jar android-all-instrumented)" "$cache/frameworks/"
    echo "$(tr ':' '\n' <"$cache/classpath.txt" | wc -l) files"
}

class_path_exists() {
    local file files
    [[ -s $cache/classpath.txt ]] || return 1
    IFS=: read -ra files <"$cache/classpath.txt"
    for file in "${files[@]}"; do
        [[ -e $file ]] || return 1
    done
}

# tool_jar NAME: the file of that artifact.
tool_jar() { tr ':' '\n' <"$cache/classpath.txt" | grep "/$1-[0-9][^/]*\.\(jar\|signature\)$"; }

# read_class_path: sets class_path, for compilers and Robolectric, and framework.
read_class_path() {
    class_path=$(tr ':' '\n' <"$cache/classpath.txt" | grep '\.jar$' | tr '\n' ':')$(printf '%s:' "$cache"/*.jar)
    framework=$(tool_jar android-all-instrumented)
}

# manifest FILE PACKAGE: the manifest as Gradle would complete it, in build/android.
manifest() {
    sed -e "s|^<manifest |&package=\"$2\" |" \
        -e 's|<application|& android:extractNativeLibs="false"|' "$1"
}

build_resources() {
    mkdir -p "$out/assets" "$out/generated"
    cp models/gyre-books-5m.gguf LICENSE "$out/assets/" &&
        manifest $demo/AndroidManifest.xml dev.gyre.demo >"$out/AndroidManifest.xml" &&
        aapt2 compile --dir $demo/res -o "$out/resources.zip" &&
        aapt2 link -o "$out/resources.apk" --manifest "$out/AndroidManifest.xml" -I "$framework" \
            --min-sdk-version "$api" --target-sdk-version 34 --version-code 1 --version-name "$version" \
            --java "$out/generated" -A "$out/assets" -0 .gguf "$out/resources.zip" &&
        echo "$(stat -c %s "$out/resources.apk") bytes with the model inside"
}

# compile FOLDER FILE...: Java 8 byte code; the framework's own class files have annotations that javac lacks.
compile() {
    local folder=$1
    shift
    rm -rf "$folder"
    mkdir -p "$folder"
    javac --release 8 -Xlint:all,-options,-classfile,-deprecation -d "$folder" -cp "$out/classes:$class_path" "$@"
}

compile_java() {
    local sources
    mapfile -t sources < <(find "${java_sources[@]}" $demo/java "$out/generated" -name '*.java')
    compile "$out/classes" "${sources[@]}" || return 1
    rm -rf "$out/library" "$out/classes.jar"
    mkdir -p "$out/library/dev"
    cp -r "$out/classes/dev/gyre" "$out/library/dev/"
    rm -rf "$out/library/dev/gyre/demo"
    jar --create --date=2026-01-01T00:00:00Z --file "$out/classes.jar" -C "$out/library" . &&
        echo "$(find "$out/classes" -name '*.class' | wc -l) classes; those of the library $(stat -c %s "$out/classes.jar") bytes"
}

build_dex() {
    local classes
    rm -rf "$out/dex"
    mkdir -p "$out/dex"
    mapfile -t classes < <(find "$out/classes" -name '*.class')
    java -cp "$(tool_jar r8)" com.android.tools.r8.D8 --release --min-api "$api" --lib "$framework" \
        --output "$out/dex" "${classes[@]}" &&
        echo "classes.dex, $(stat -c %s "$out/dex/classes.dex") bytes, min API $api"
}

build_host_library() {
    build java release gyre_jni -DGYRE_BUILD_JAVA=ON &&
        echo "$(stat -c %s build/java/java/libgyre_jni.so) bytes"
}

# fetch_sources: of what is built in, into the folder that scripts/ports uses too.
fetch_sources() (
    cache=$PWD/.cache/ports
    mkdir -p "$cache/done" "$cache/log"
    source tools/ports/prepare.sh
    prepare_sources
)

# build_native NAME CMAKE_ARGUMENT...: libgyre_jni.so with all that it needs built in, in build/android/NAME.
build_native() {
    local folder=$out/$1
    shift
    fetch_sources &&
        cmake -G Ninja -S . -B "$folder" -DCMAKE_BUILD_TYPE=MinSizeRel -DGYRE_BUILD_JAVA=ON -DGYRE_BUILD_APPS=OFF \
            -DGYRE_BUNDLED_DEPS_DIR="$PWD/.cache/ports/sources" -DGYRE_JNI_EXPORT_C_API=ON \
            -DGYRE_SHADER_DIR="$PWD/build/shaders" -DGYRE_WERROR="${GYRE_WERROR:-OFF}" "$@" &&
        cmake --build "$folder" --target gyre_jni
}

build_arm64() {
    build_native linux-arm64 -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/toolchains/linux-aarch64.cmake" &&
        echo "$(stat -c %s "$out/linux-arm64/java/libgyre_jni.so") bytes"
}

# build_for_abi ABI: by the NDK's own toolchain file, stripped.
build_for_abi() {
    local file=$out/$1/java/libgyre_jni.so strip
    strip=$(echo "$ndk"/toolchains/llvm/prebuilt/*/bin/llvm-strip)
    build_native "$1" -DCMAKE_TOOLCHAIN_FILE="$ndk/build/cmake/android.toolchain.cmake" -DANDROID_ABI="$1" \
        -DANDROID_PLATFORM="$api" -DANDROID_STL=c++_static &&
        "$strip" --strip-unneeded "$file" &&
        echo "$(stat -c %s "$file") bytes"
}

# native_options: for the packages: --library ABI=FILE of every ABI, nothing without an NDK.
native_options() {
    local abi
    [[ -n $ndk ]] || return 0
    for abi in "${abis[@]}"; do
        printf -- '--library\n%s=%s\n' "$abi" "$out/$abi/java/libgyre_jni.so"
    done
}

build_aar() {
    local native
    mapfile -t native < <(native_options)
    manifest $library/AndroidManifest.xml dev.gyre.android >"$out/library-manifest.xml" &&
        python3 -B tools/packages/aar.py write "$aar" --manifest "$out/library-manifest.xml" --classes "$out/classes.jar" \
            --headers include --rules apps/android/library/consumer-rules.pro --version "$version" --api "$api" \
            "${native[@]}" &&
        python3 -B tools/packages/aar.py check "$aar"
}

build_apk() {
    local abi unaligned=$out/unaligned.apk key=$cache/debug.keystore
    cp "$out/resources.apk" "$unaligned" && (cd "$out/dex" && zip -q "$unaligned" classes.dex) || return 1
    if [[ -n $ndk ]]; then
        for abi in "${abis[@]}"; do
            mkdir -p "$out/apk/lib/$abi" && cp "$out/$abi/java/libgyre_jni.so" "$out/apk/lib/$abi/"
        done
        (cd "$out/apk" && zip -q -0 "$unaligned" lib/*/*.so) || return 1
    fi
    [[ -e $key ]] || keytool -genkeypair -keystore "$key" -storepass android -alias debug -keyalg RSA -keysize 2048 \
        -validity 10000 -dname CN=Debug || return 1
    zipalign -f 16384 "$unaligned" "$apk" &&
        apksigner sign --ks "$key" --ks-pass pass:android --ks-key-alias debug --v4-signing-enabled false --min-sdk-version "$api" \
            "$apk" &&
        echo "$(basename "$apk"), $(stat -c %s "$apk") bytes"
}
