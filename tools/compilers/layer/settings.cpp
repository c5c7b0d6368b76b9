// Reads the environment of the layer.
// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <fcntl.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace compilers {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

// A misspelt setting would give figures of something else: the program ends.
[[noreturn]] void refuse(const char* name, const std::string& value, const char* expected) {
    std::fprintf(stderr, "compilers layer: %s is '%s', expected %s\n", name, value.c_str(),
                 expected);
    std::exit(2);
}

Settings read_settings() {
    Settings settings;
    settings.out = variable("GYRE_LAYER_OUT");
    settings.texts = variable("GYRE_LAYER_TEXTS");
    settings.dry = variable("GYRE_LAYER_DRY") == "1";
    if (const std::string text = variable("GYRE_LAYER_CPU_SECONDS"); !text.empty()) {
        char* end = nullptr;
        settings.cpu_seconds = static_cast<unsigned>(std::strtoul(text.c_str(), &end, 10));
        if (*end != '\0') refuse("GYRE_LAYER_CPU_SECONDS", text, "a number of seconds");
    }
    if (const std::string text = variable("GYRE_LAYER_API_VERSION"); !text.empty()) {
        unsigned major = 0;
        unsigned minor = 0;
        if (std::sscanf(text.c_str(), "%u.%u", &major, &minor) != 2) {
            refuse("GYRE_LAYER_API_VERSION", text, "a version such as 1.1");
        }
        settings.api_version = VK_MAKE_API_VERSION(0, major, minor, 0);
    }
    if (const std::string path = variable("GYRE_LAYER_KNOWN"); !path.empty()) {
        std::ifstream file(path);
        if (!file) refuse("GYRE_LAYER_KNOWN", path, "a file that can be read");
        for (std::string line; std::getline(file, line);)
            settings.known.insert(line);
    }
    return settings;
}

}  // namespace

const Settings& settings() {
    static const Settings all = read_settings();
    return all;
}

void write_line(std::string_view line) {
    static const int file =
        settings().out.empty()
            ? STDERR_FILENO
            : open(settings().out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    std::string whole(line);
    whole += '\n';  // one write: a reader may look on
    for (std::size_t done = 0; done < whole.size();) {
        const ssize_t n = write(file, whole.data() + done, whole.size() - done);
        if (n <= 0) {
            std::fprintf(stderr, "compilers layer: cannot write to %s\n", settings().out.c_str());
            std::_Exit(2);
        }
        done += static_cast<std::size_t>(n);
    }
}

}  // namespace compilers
