// SPDX-License-Identifier: Apache-2.0
#include <windows.h>

#include <array>
#include <map>
#include <stdexcept>
#include <thread>

#include "tests/api/process.h"

namespace gyre::test {
namespace {

std::wstring wide_of(const std::string& utf8) {
    const int n_bytes = static_cast<int>(utf8.size());
    const int n = MultiByteToWideChar(CP_UTF8, 0, utf8.data(), n_bytes, nullptr, 0);
    std::wstring wide(static_cast<std::size_t>(n), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, utf8.data(), n_bytes, wide.data(), n);
    return wide;
}

// As CommandLineToArgvW takes it apart: backslashes count only before a quote.
std::wstring quoted(const std::wstring& argument) {
    std::wstring text = L"\"";
    std::size_t backslashes = 0;
    for (const wchar_t c : argument) {
        if (c == L'"') text.append(backslashes + 1, L'\\');
        backslashes = c == L'\\' ? backslashes + 1 : 0;
        text.push_back(c);
    }
    return text.append(backslashes, L'\\') + L'"';
}

// This process's variables with the changes, as CreateProcessW takes them.
std::wstring environment_block(const std::vector<std::string>& changes) {
    struct IgnoreCase {
        bool operator()(const std::wstring& a, const std::wstring& b) const {
            return _wcsicmp(a.c_str(), b.c_str()) < 0;
        }
    };
    std::map<std::wstring, std::wstring, IgnoreCase> variables;
    wchar_t* all = GetEnvironmentStringsW();
    for (const wchar_t* entry = all; *entry != L'\0'; entry += wcslen(entry) + 1) {
        const std::wstring text = entry;
        const std::size_t equals = text.find(L'=', 1);  // some begin with one
        variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
    FreeEnvironmentStringsW(all);
    for (const std::string& change : changes) {
        const std::size_t equals = change.find('=');
        const std::wstring name = wide_of(change.substr(0, equals));
        variables.erase(name);
        if (equals != std::string::npos) variables[name] = wide_of(change.substr(equals + 1));
    }
    std::wstring block;
    for (const auto& [name, value] : variables)
        block += name + L'=' + value + L'\0';
    return block + L'\0';
}

// One direction of bytes; `theirs` is what the program gets.
struct Pipe {
    HANDLE read = nullptr, write = nullptr;

    Pipe() {
        SECURITY_ATTRIBUTES inherited = {sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
        if (CreatePipe(&read, &write, &inherited, 0) == 0) {
            throw std::runtime_error("cannot create a pipe");
        }
    }
};

void keep(HANDLE handle) {
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
}

std::string read_all(HANDLE handle, DWORD group_to_interrupt) {
    std::string text;
    std::array<char, 4096> buffer{};
    DWORD n = 0;
    while (ReadFile(handle, buffer.data(), static_cast<DWORD>(buffer.size()), &n, nullptr) != 0 &&
           n > 0) {
        if (text.empty() && group_to_interrupt != 0) {
            GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group_to_interrupt);
        }
        text.append(buffer.data(), n);
    }
    CloseHandle(handle);
    return text;
}

PROCESS_INFORMATION start(const std::vector<std::string>& arguments, const ProcessOptions& options,
                          const Pipe& in, const Pipe& out, const Pipe& err) {
    const std::wstring program = wide_of(std::string(GYRE_BINARY_DIR) + "/bin/gyre.exe");
    std::wstring line = quoted(program);
    for (const std::string& argument : arguments)
        line += L' ' + quoted(wide_of(argument));
    std::wstring environment = environment_block(options.environment);
    STARTUPINFOW startup = {};
    startup.cb = sizeof(startup);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = in.read;
    startup.hStdOutput = out.write;
    startup.hStdError = err.write;
    PROCESS_INFORMATION process = {};
    const DWORD flags = CREATE_UNICODE_ENVIRONMENT |
                        (options.signal_after_output != 0 ? CREATE_NEW_PROCESS_GROUP : 0);
    if (CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, TRUE, flags,
                       environment.data(), nullptr, &startup, &process) == 0) {
        throw std::runtime_error("cannot start gyre.exe: error " + std::to_string(GetLastError()));
    }
    CloseHandle(process.hThread);
    return process;
}

}  // namespace

ProcessResult run_gyre(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    const Pipe in, out, err;
    for (HANDLE ours : {in.write, out.read, err.read})
        keep(ours);
    const PROCESS_INFORMATION process = start(arguments, options, in, out, err);
    for (HANDLE theirs : {in.read, out.write, err.write})
        CloseHandle(theirs);
    ProcessResult result;
    std::thread writer([&] {
        DWORD n = 0;
        if (!options.input.empty()) {
            WriteFile(in.write, options.input.data(), static_cast<DWORD>(options.input.size()), &n,
                      nullptr);
        }
        CloseHandle(in.write);
    });
    std::thread reader([&] { result.err = read_all(err.read, 0); });
    result.out = read_all(out.read, options.signal_after_output != 0 ? process.dwProcessId : 0);
    writer.join();
    reader.join();
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hProcess);
    result.exit_code = static_cast<int>(code);
    return result;
}

}  // namespace gyre::test
