# The steps of scripts/android that check something. Sourced by it; the last line of output is the table's.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

: "${out:?}" "${cache:?}" "${api:?}" "${apk:?}" "${ndk?}" "${lavapipe:?}" "${exports:?}" "${checks:?}"
: "${android_libraries:?}" "${linux_libraries:?}" "${class_path=}"

# check_api_level: every class and method of Android that ours use is in the published list of API 26.
check_api_level() {
    java -cp "$class_path" "$checks/ApiCheck.java" "$(tool_jar "android-api-level-$api")" "$out/classes"
}

# run_activity: the tests of apps/android/robolectric, and the screen as a picture.
run_activity() {
    local tests=$out/tests sources suites=(MainActivityTest ChatTest ModelsTest DialogsTest PictureTest)
    mapfile -t sources < <(find "$checks/src/test/java" -name '*.java')
    rm -rf "$tests" "$out/pictures"
    mkdir -p "$tests" "$out/pictures"
    javac -nowarn -Xlint:none -d "$tests" -cp "$out/classes:$class_path" "${sources[@]}" || return 1
    cp "$checks/src/test/resources/robolectric.properties" "$tests/"
    mkdir -p "$tests/com/android/tools"
    printf '%s\n' "android_resource_apk=$out/resources.apk" "android_merged_manifest=$out/AndroidManifest.xml" \
        android_custom_package=dev.gyre.demo >"$tests/com/android/tools/test_config.properties"
    # java.io is opened for Robolectric, which makes descriptors of its own.
    VK_DRIVER_FILES=$lavapipe VK_ICD_FILENAMES=$lavapipe java -Xcheck:jni --add-opens java.base/java.io=ALL-UNNAMED \
        -Drobolectric.offline=true -Drobolectric.dependency.dir="$cache/frameworks" \
        -Dgyre.library="$PWD/build/java/java/libgyre_jni.so" -Dgyre.root="$PWD" -Dgyre.pictures="$out/pictures" \
        -cp "$tests:$out/classes:$class_path" org.junit.runner.JUnitCore "${suites[@]/#/dev.gyre.demo.}" \
        >"$out/logs/junit.txt" 2>&1 || { cat "$out/logs/junit.txt"; return 1; }
    # Robolectric's own native code is warned of too; ours must not be.
    if grep -A 1 'WARNING in native method' "$out/logs/junit.txt" | grep 'at dev\.gyre\.'; then
        echo "-Xcheck:jni has something to say of our functions: the lines above"
        return 1
    fi
    cp "$out/pictures/android.png" docs/android.png
    sed -n 's/^OK (\(.*\))$/\1 passed; its screen is docs\/android.png/p' "$out/logs/junit.txt"
}

check_arm64() {
    tools/packages/elf_check.py "$out/linux-arm64/java/libgyre_jni.so" --needed "$linux_libraries" \
        --exports "$exports" --page 16384
}

check_abi() {
    tools/packages/elf_check.py "$out/$1/java/libgyre_jni.so" --needed "$android_libraries" --exports "$exports" \
        --page 16384
}

# check_apk: signature, alignment, permissions, and that the model can be mapped where it lies.
check_apk() {
    local signature
    zipalign -c 16384 "$apk" >"$out/logs/zipalign.txt" || { cat "$out/logs/zipalign.txt"; return 1; }
    signature=$(apksigner verify --verbose --min-sdk-version "$api" "$apk") || return 1
    grep -E '^Verified using v[23] scheme .*: true' <<<"$signature" || return 1
    if aapt2 dump permissions "$apk" | grep uses-permission; then
        echo "it asks for a permission: the line above"
        return 1
    fi
    python3 -B tools/packages/apk_check.py "$apk" --api "$api" --page 16384
}
