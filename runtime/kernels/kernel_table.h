// The table of kernels: pipelines, made once and shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "runtime/base/status.h"
#include "runtime/kernels/kernel_variants.h"

namespace gyre {

// A pipeline and what its dispatch has to know. Lives as long as the KernelTable.
struct Kernel {
    const Pipeline* pipeline = nullptr;
    Tiling tiling;
    std::uint32_t splits = 1;  // AttentionVariant::splits
};

// The three dispatches of a sampled token; greedy tokens leave out weigh.
struct SampleKernels {
    Kernel scan, weigh, pick;
};

// May be used from several threads: pipelines are compiled outside of its lock, and who asks for
// one that another thread compiles waits for it. Must not outlive the Device.
class KernelTable {
  public:
    // What is done, 0 to 1; an error ends the compiling.
    using Progress = std::function<Status(double fraction)>;

    explicit KernelTable(Device& device) : device_(&device) {}

    // Compiles it unless the table has it.
    Result<Kernel> get(const KernelVariant& variant);
    Result<SampleKernels> sample();

    // Compiles what of these the table has not, in as many threads as there are cores. `progress`
    // is called in this thread.
    Status compile(std::span<const KernelVariant> variants, const Progress& progress);

    // Destroys a pipeline that nobody uses any more.
    void forget(const Kernel& kernel);

    std::size_t pipeline_count() const;

  private:
    Result<const Pipeline*> get(const KernelSource& source);
    Result<std::unique_ptr<Pipeline>> make(const KernelSource& source) const;

    Device* device_;
    mutable std::mutex mutex_;
    std::condition_variable made_;
    // By KernelSource::key(); nullptr while a thread compiles it.
    std::map<std::string, std::unique_ptr<Pipeline>> pipelines_;
};

}  // namespace gyre
