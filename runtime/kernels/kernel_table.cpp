// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/kernel_table.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>
#include <vector>

#include "runtime/base/threads.h"
#include "runtime/base/unwinding.h"
#include "runtime/kernels/kernel_interfaces.h"
#include "runtime/kernels/shader_modules.h"

namespace gyre {

Result<Kernel> KernelTable::get(const KernelVariant& variant) {
    const KernelSource source = kernel_source(variant, device_->caps());
    GYRE_ASSIGN(const Pipeline* pipeline, get(source));
    return Kernel{pipeline, source.tiling, source.splits};
}

Result<const Pipeline*> KernelTable::get(const KernelSource& source) {
    const std::string key = source.key();
    std::unique_lock lock(mutex_);
    auto row = pipelines_.find(key);
    while (row != pipelines_.end() && row->second == nullptr) {
        made_.wait(lock);
        row = pipelines_.find(key);  // without it: the other thread's attempt failed
    }
    if (row != pipelines_.end()) return row->second.get();

    row = pipelines_.emplace(key, nullptr).first;
    OnExit settle([&] {
        if (!lock.owns_lock()) lock.lock();
        if (row->second == nullptr) pipelines_.erase(row);
        made_.notify_all();
    });
    lock.unlock();
    GYRE_ASSIGN(std::unique_ptr<Pipeline> made, make(source));
    lock.lock();
    row->second = std::move(made);
    return row->second.get();
}

Result<std::unique_ptr<Pipeline>> KernelTable::make(const KernelSource& source) const {
    const std::string module = source.module();
    for (const ShaderModuleRow& row : shader_modules()) {
        if (module != row.name) continue;
        const std::vector<std::uint32_t> words = module_words(row);
        if (words.empty()) return Status::internal("shader module " + module + " is damaged");
        const ShaderCode code{row.name, words, interface_of(source.kernel)};
        GYRE_ASSIGN(Pipeline pipeline,
                    Pipeline::create(*device_, code, source.constants, source.workgroup));
        return std::make_unique<Pipeline>(std::move(pipeline));
    }
    return Status::internal("no shader module named " + module);
}

namespace {

// Sources that threads take one after the other, until there are none or one has failed.
class Sources {
  public:
    explicit Sources(std::vector<KernelSource> list) : list_(std::move(list)) {}

    const KernelSource* take() {
        const std::size_t i = next_++;
        return i < list_.size() ? &list_[i] : nullptr;
    }
    void fail(Status status) {
        const std::lock_guard lock(mutex_);
        if (status_.ok()) status_ = std::move(status);
        next_ = list_.size();
    }
    void fail(std::exception_ptr thrown) {
        const std::lock_guard lock(mutex_);
        thrown_ = std::move(thrown);
        next_ = list_.size();
    }
    // After all threads have ended.
    Status result() {
        if (thrown_) std::rethrow_exception(thrown_);
        return std::move(status_);
    }

  private:
    std::vector<KernelSource> list_;
    std::atomic<std::size_t> next_{0};
    std::mutex mutex_;
    Status status_;
    std::exception_ptr thrown_;
};

}  // namespace

Status KernelTable::compile(std::span<const KernelVariant> variants, const Progress& progress) {
    std::map<std::string, KernelSource> unique;
    for (const KernelVariant& variant : variants) {
        KernelSource source = kernel_source(variant, device_->caps());
        std::string key = source.key();
        unique.emplace(std::move(key), std::move(source));
    }
    std::vector<KernelSource> list;
    list.reserve(unique.size());
    for (auto& [key, source] : unique)
        list.push_back(std::move(source));
    const std::size_t n = list.size();
    Sources sources(std::move(list));
    std::atomic<std::size_t> done{0};
    std::size_t told = 0;  // this thread tells each one once, whoever compiled it
    const auto tell = [&](std::size_t n_done) -> Status {
        while (told < n_done)
            GYRE_TRY(progress(static_cast<double>(++told) / static_cast<double>(n)));
        return {};
    };
    const std::thread::id here = std::this_thread::get_id();
    in_threads(static_cast<unsigned>(n), [&] {
        try {
            while (const KernelSource* source = sources.take()) {
                if (auto made = get(*source); !made.ok()) return sources.fail(made.status());
                ++done;
                if (std::this_thread::get_id() != here) continue;
                if (Status status = tell(done); !status.ok())
                    return sources.fail(std::move(status));
            }
        } catch (...) {
            sources.fail(std::current_exception());
        }
    });
    GYRE_TRY(sources.result());
    return tell(n);
}

Result<SampleKernels> KernelTable::sample() {
    GYRE_ASSIGN(Kernel scan, get(SampleVariant{SampleStage::kScan}));
    GYRE_ASSIGN(Kernel weigh, get(SampleVariant{SampleStage::kWeigh}));
    GYRE_ASSIGN(Kernel pick, get(SampleVariant{SampleStage::kPick}));
    return SampleKernels{scan, weigh, pick};
}

void KernelTable::forget(const Kernel& kernel) {
    const std::lock_guard lock(mutex_);
    std::erase_if(pipelines_, [&](const auto& row) {
        return row.second != nullptr && row.second.get() == kernel.pipeline;
    });
}

std::size_t KernelTable::pipeline_count() const {
    const std::lock_guard lock(mutex_);
    return pipelines_.size();
}

}  // namespace gyre
