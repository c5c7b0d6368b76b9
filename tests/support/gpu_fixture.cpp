// The shared device and its messages.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gpu_fixture.h"

#ifdef __linux__
#include <dlfcn.h>
#include <link.h>
#endif

#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>

// What sanitizers must know about drivers and layers, which are built without them. The names are
// the sanitizers' own; without a sanitizer nobody calls these.
extern "C" {
__attribute__((visibility("default"))) const char* __lsan_default_suppressions();  // NOLINT
__attribute__((visibility("default"))) const char* __tsan_default_options();       // NOLINT

// The validation layer (1.3.239, Debian 12) keeps its record of submitted command buffers when it
// validates synchronization; nothing of ours is in these reports.
const char* __lsan_default_suppressions() {  // NOLINT
    return "leak:libVkLayer_khronos_validation\n";
}

// Their own locks are not seen, so every allocation that they hand between threads looks like a
// race.
const char* __tsan_default_options() {  // NOLINT
    return "ignore_noninstrumented_modules=1";
}
}

namespace gyre::test {

namespace {

// VkDriverId
constexpr std::uint32_t kDriverSwiftShader = 10;
constexpr std::uint32_t kDriverLlvmpipe = 13;

class Messages {
  public:
    void add(const char* message) {
        const std::lock_guard lock(mutex_);
        list_.emplace_back(message);
    }
    std::vector<std::string> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(list_, {});
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> list_;
};

// GoogleTest deletes environments; the messages stay, because layers speak to the very end.
Messages& messages() {
    static Messages instance;
    return instance;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

Result<std::uint32_t> find_device(const Instance& instance, const std::string& driver) {
    if (driver == "any") {
        GYRE_ASSIGN(const DeviceChoice choice, instance.choose("auto"));
        return choice.index;
    }
    const bool known = driver == "lavapipe" || driver == "swiftshader";
    if (!known) {
        return Status::invalid_argument(
            "GYRE_TEST_DRIVER is \"" + driver +
            "\"; set it to lavapipe, swiftshader or any (ctest does so)");
    }
    const std::uint32_t id = driver == "lavapipe" ? kDriverLlvmpipe : kDriverSwiftShader;
    std::string seen;
    for (const DeviceInfo& device : instance.devices()) {
        if (device.driver_id == id) return device.index;
        seen += " " + device.name;
    }
    return Status::no_device("GYRE_TEST_DRIVER=" + driver + ", but VK_DRIVER_FILES=" +
                             environment("VK_DRIVER_FILES") + " gives:" + seen);
}

// The loader closes drivers with the last instance. A leak checker would then find no name for what
// a driver keeps in its static data, and call it lost.
#ifdef __linux__
int keep_loaded(dl_phdr_info* info, std::size_t, void*) {
    if (info->dlpi_name != nullptr && info->dlpi_name[0] != '\0') {
        (void)::dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
    return 0;
}
#endif

class GpuEnvironment : public testing::Environment {
  public:
    void SetUp() override {
        InstanceOptions options;
        options.validation = true;
        options.sync_validation = environment("GYRE_TEST_SYNC_VALIDATION") == "1";
        options.gpu_validation = GpuTest::validates_indices();
        options.on_message = [](const char* message) { messages().add(message); };
        auto created = Instance::create(options);
        ASSERT_TRUE(created.ok()) << created.status().message();
        instance.emplace(std::move(created).value());
        const auto index = find_device(*instance, environment("GYRE_TEST_DRIVER"));
        ASSERT_TRUE(index.ok()) << index.status().message();
        device_index = index.value();
        DeviceOptions device_options;
        device_options.features.cooperative_matrix = true;  // what a Model asks for
        auto made = Device::create(*instance, device_index, device_options);
        ASSERT_TRUE(made.ok()) << made.status().message();
        device.emplace(std::move(made).value());
#ifdef __linux__
        ::dl_iterate_phdr(keep_loaded, nullptr);
#endif
        const DeviceInfo& info = device->info();
        std::cout << "Device: " << info.name << ", driver " << info.driver_name << " "
                  << info.driver_info << ", Vulkan " << api_version_text(info.api_version)
                  << (options.sync_validation ? ", synchronization validation" : "")
                  << (options.gpu_validation ? ", GPU validation" : "") << std::endl;
    }

    void TearDown() override {
        device.reset();
        instance.reset();
        // Objects that were never destroyed are reported here.
        for (const std::string& message : messages().take())
            ADD_FAILURE() << message;
    }

    std::optional<Instance> instance;
    std::optional<Device> device;
    std::uint32_t device_index = 0;
};

// Before main, because gtest_main is nobody's to change; no driver is touched until SetUp.
GpuEnvironment* const gpu_environment = static_cast<GpuEnvironment*>(
    testing::AddGlobalTestEnvironment(std::make_unique<GpuEnvironment>().release()));

}  // namespace

Instance& GpuTest::instance() {
    return *gpu_environment->instance;
}
Device& GpuTest::device() {
    return *gpu_environment->device;
}

Result<Device> GpuTest::make_device(const DeviceOptions& options) {
    return Device::create(instance(), gpu_environment->device_index, options);
}

bool GpuTest::validates_indices() {
    return environment("GYRE_TEST_GPU_VALIDATION") == "1";
}

std::vector<std::string> GpuTest::take_messages() {
    return messages().take();
}

void GpuTest::SetUp() {
    (void)take_messages();
}

void GpuTest::TearDown() {
    for (const std::string& message : take_messages())
        ADD_FAILURE() << message;
}

void GpuTest::run_kernel(const KernelRun& run) {
    run_kernel(device(), run);
}

void GpuTest::run_kernel(Device& device, const KernelRun& run) {
    auto pipeline = Pipeline::create(device, run.code, run.spec, run.workgroup);
    ASSERT_OK(pipeline);
    auto set = DescriptorSet::create(device, run.bindings, run.code.name);
    ASSERT_OK(set);
    auto recorder = CommandRecorder::create(device);
    ASSERT_OK(recorder);
    ASSERT_EQ(run.push.size(), pipeline->declared().push_bytes)
        << "push constants of " << run.code.name;
    ASSERT_OK(recorder->begin());
    recorder->dispatch(pipeline.value(), set.value(), run.push.data(),
                       static_cast<std::uint32_t>(run.push.size()), run.groups);
    ASSERT_OK(recorder->end());
    ASSERT_OK(device.run(recorder.value()));
}

}  // namespace gyre::test
