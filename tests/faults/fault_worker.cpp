// Runs the scenario with faults, one line of stdin each, and says on stdout what came of them.
// SPDX-License-Identifier: Apache-2.0
//
// usage: fault_worker MODEL DEVICE CACHE_DIR open|tune unified|discrete SUBMIT_MS
//
// First "calls PHASE FUNCTION N" for a run without faults, then "ready"; then for each fault
// "begin" and "end OUTCOME DETAIL". An empty line: "end" is the word for the clean end of all.
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <utility>

#include "tests/faults/fault_case.h"

namespace gyre::faults {
namespace {

// Which codes of gyre.h say what this result was.
std::set<gyre_status> codes_for(const FaultCase& fault) {
    switch (fault.fault.result) {
        case VK_ERROR_OUT_OF_HOST_MEMORY:
            return {GYRE_ERROR_OUT_OF_HOST_MEMORY};
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        case VK_ERROR_TOO_MANY_OBJECTS:
        case VK_ERROR_MEMORY_MAP_FAILED:
        case VK_ERROR_OUT_OF_POOL_MEMORY:
        case VK_ERROR_FRAGMENTED_POOL:
        case VK_ERROR_FRAGMENTATION:
            return {GYRE_ERROR_OUT_OF_DEVICE_MEMORY};
        case VK_ERROR_DEVICE_LOST:
            return {GYRE_ERROR_DEVICE_LOST};
        case VK_ERROR_INCOMPATIBLE_DRIVER:
            return {GYRE_ERROR_NO_DEVICE};
        case VK_ERROR_LAYER_NOT_PRESENT:
        case VK_ERROR_EXTENSION_NOT_PRESENT:
        case VK_ERROR_FEATURE_NOT_PRESENT:
            return {GYRE_ERROR_UNSUPPORTED};
        case VK_INCOMPLETE:
            return {GYRE_ERROR_NO_DEVICE};
        case VK_ERROR_INITIALIZATION_FAILED:
            return {GYRE_ERROR_NO_DEVICE, GYRE_ERROR_INTERNAL};
        default:
            return {GYRE_ERROR_INTERNAL};
    }
}

bool is_right_code(const FaultCase& fault, gyre_status status) {
    // A wait that fails again and again ends in a device that is given up.
    if (fault.fault.times > 1 && status == GYRE_ERROR_DEVICE_LOST) return true;
    // Of a device that is named and cannot be asked: why it cannot be used is in the text.
    if (fault.fault.function == "vkEnumerateDeviceExtensionProperties" &&
        status == GYRE_ERROR_INVALID_ARGUMENT) {
        return true;
    }
    return codes_for(fault).count(status) == 1;
}

// What a session owns, and what a device keeps for the next one only while a model is open.
int alive_of_sessions() {
    int n = 0;
    for (const auto& [kind, count] : alive()) {
        for (const char* name :
             {"VkBuffer", "VkBufferView", "VkDeviceMemory", "VkCommandPool", "VkCommandBuffer",
              "VkQueryPool", "VkDescriptorSet", "VkShaderModule"}) {
            if (kind == name) n += count;
        }
    }
    return n;
}

std::string list_alive() {
    std::string list;
    for (const auto& [kind, count] : alive())
        list += ' ' + std::to_string(count) + ' ' + kind;
    return list;
}

// What validation layers say; a device that was lost is no news here.
std::string logged;
void on_log(gyre_log_level, const char* message, void*) {
    const std::string text = message;
    if (text.find(" was lost: ") == std::string::npos) logged += text + "; ";
}

// Phases without a session, which begin without a model.
bool is_of_model(Phase phase) {
    return phase == Phase::kEstimate || phase == Phase::kOpen || phase == Phase::kTune;
}

class Worker {
  public:
    explicit Worker(const ScenarioOptions& options) : options_(options), scenario_(options) {}

    // Without faults; the second run of two is what phases are compared with: what the first
    // compiles is there.
    bool learn() {
        for (int round = 0; round < 2; ++round) {
            std::string failure;
            scenario_.run(
                [&](Phase phase, const std::function<gyre_status()>& run) {
                    begin_count();
                    const gyre_status status = run();
                    for (const auto& [function, n] : calls()) {
                        if (round == 1) {
                            std::cout << "calls " << kPhaseNames[static_cast<std::size_t>(phase)]
                                      << ' ' << function << ' ' << n << '\n';
                        }
                    }
                    note_objects(phase);
                    if (status != GYRE_OK) failure = gyre_last_error();
                    return status == GYRE_OK;
                },
                true);
            for (const std::string& text : take_violations())
                failure += text + "; ";
            if (!scenario_.broken().empty()) failure += scenario_.broken();
            if (!alive().empty()) failure += "left behind:" + list_alive();
            if (!failure.empty()) {
                std::cout << "unusable " << failure << std::endl;
                return false;
            }
            if (round == 1 && scenario_.transcript() != transcript_) {
                std::cout << "unusable two runs differ" << std::endl;
                return false;
            }
            transcript_ = scenario_.transcript();
        }
        std::cout << "ready" << std::endl;
        return true;
    }

    void run(const FaultCase& fault) {
        std::cout << "begin" << std::endl;
        wrong_.clear();
        outcome_ = Outcome::kUnreached;
        ended_ = false;
        const bool of_model = is_of_model(fault.phase);
        if (of_model) close();
        scenario_.run(
            [&](Phase phase, const std::function<gyre_status()>& run) {
                const bool struck = phase == fault.phase;
                const bool going_on = struck ? strike(fault, run) : plain(run, phase);
                note_objects(phase);
                return going_on;
            },
            of_model || fault.phase == Phase::kClose);
        if (!ended_ && scenario_.transcript() != transcript_) blame("other tokens than without");
        if (!scenario_.broken().empty()) blame(scenario_.broken());
        // While waits fail, nobody knows what a device that was given up still works with.
        const bool given_up = fault.fault.times > 1 && ended_;
        if (under_way() > 0 && !given_up) blame("work is left under way");
        if (!scenario_.is_open() && !alive().empty() && !given_up)
            blame("left behind:" + list_alive());
        for (const std::string& text : take_violations())
            blame(text);
        if (!logged.empty()) blame(std::exchange(logged, {}));
        if (!wrong_.empty()) outcome_ = Outcome::kWrong;
        std::cout << "end " << kOutcomeNames[static_cast<std::size_t>(outcome_)] << ' '
                  << (wrong_.empty() ? message_ : wrong_) << std::endl;
        message_.clear();
    }

    // All is closed and gone.
    void close() {
        if (!scenario_.is_open()) return;
        scenario_.run([](Phase, const auto&) { return false; }, true);
    }

  private:
    void blame(const std::string& text) { wrong_ += (wrong_.empty() ? "" : "; ") + text; }

    // Objects of sessions are gone when these are.
    void note_objects(Phase phase) {
        if (phase == Phase::kOpen || phase == Phase::kTune) of_model_ = alive_of_sessions();
        if (phase != Phase::kEnd || alive_of_sessions() == of_model_) return;
        blame("objects of sessions left behind:" + list_alive());
    }

    bool plain(const std::function<gyre_status()>& run, Phase phase) {
        if (run() == GYRE_OK) return true;
        blame(std::string("then ") + gyre_last_error() + " in " +
              std::string(kPhaseNames[static_cast<std::size_t>(phase)]));
        ended_ = true;
        return false;
    }

    // The function, or what it was needed for.
    bool names_the_cause(const FaultCase& fault) const {
        for (const std::string& word :
             {fault.fault.function, std::string(" was lost ("),
              std::string("refused by the driver"), std::string("no Vulkan driver was found")}) {
            if (message_.find(word) != std::string::npos) return true;
        }
        // A list of devices that is short or empty.
        return fault.fault.function == "vkEnumeratePhysicalDevices" &&
               message_.find("device") != std::string::npos;
    }

    bool strike(const FaultCase& fault, const std::function<gyre_status()>& run) {
        arm(fault.fault);
        if (fault.fault.function == "vkWaitForFences" && fault.fault.times > 1) {
            arm({"vkGetFenceStatus", fault.fault.result, fault.fault.nth, fault.fault.times});
        }
        const gyre_status status = run();
        const unsigned struck = disarm();
        if (struck > 0) outcome_ = Outcome::kAbsorbed;
        if (status == GYRE_OK) return true;
        message_ = gyre_last_error();
        outcome_ = Outcome::kError;
        if (struck == 0) blame("fails without a fault: " + message_);
        if (!is_right_code(fault, status)) {
            blame(std::string("the status is \"") + gyre_status_string(status) + "\": " + message_);
        }
        if (!names_the_cause(fault)) blame("the message is \"" + message_ + '"');
        if (status != GYRE_ERROR_DEVICE_LOST) {
            // Every other time something else first: that must not need what failed.
            const auto other = [this] { return scenario_.write_and_forget(); };
            // Only where the last token was decoded by itself: one of a prompt, whose kernels round
            // otherwise, or of a cache that was shifted, is not the same computed anew.
            const bool harmless = fault.phase == Phase::kLogits || fault.phase == Phase::kSlide ||
                                  fault.phase == Phase::kProfile;
            if (harmless && fault.fault.nth % 2 == 1 && !plain(other, fault.phase)) return false;
            return plain(run, fault.phase);
        }
        // Nothing more with this device; a new one is the way on.
        if (!is_of_model(fault.phase) && run() != GYRE_ERROR_DEVICE_LOST)
            blame("a lost device is well again");
        ended_ = true;
        return false;
    }

    ScenarioOptions options_;
    Scenario scenario_;
    std::vector<std::uint32_t> transcript_;
    int of_model_ = 0;
    Outcome outcome_ = Outcome::kUnreached;
    std::string wrong_, message_;
    bool ended_ = false;
};

int run_all(char** argv) {
    gyre_set_log_callback(on_log, nullptr, GYRE_LOG_ERROR);
    ScenarioOptions options;
    options.model = argv[1];
    options.device = argv[2];
    options.cache_dir = argv[3];
    options.tune = std::string(argv[4]) == "tune";
    options.submit_ms = static_cast<std::uint32_t>(std::stoul(argv[6]));
    use_discrete_memory(std::string(argv[5]) == "discrete");
    Worker worker(options);
    if (!worker.learn()) return 1;
    for (std::string line; std::getline(std::cin, line);)
        worker.run(from_line(line));
    worker.close();
    if (!alive().empty()) {
        std::cout << "unusable left behind at the end:" << list_alive() << std::endl;
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace gyre::faults

int main(int argc, char** argv) {
    if (argc != 7) return 2;
    return gyre::faults::run_all(argv);
}
