// Every case of tests/conformance/cases through the real kernels.
// SPDX-License-Identifier: Apache-2.0
//
// Prints, and writes to conformance.<driver>.txt in the build folder, one line a system: cases, and
// for every cache format the error and the tolerance of the case that came nearest to failing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

#include "tests/conformance/attention_block.h"
#include "tests/conformance/conformance_case.h"
#include "tests/support/gpu_fixture.h"

namespace gyre::test {
namespace {

// As many tokens one by one as it takes to go through the decode kernels, the rest as a prompt.
std::uint32_t prompt_tokens(std::uint32_t n_tokens) {
    return n_tokens - std::min(3u, n_tokens / 2);
}

AttentionBlock block_of(const ConformanceCase& c) {
    AttentionBlock block;
    block.config = &c.config;
    block.spec = c.spec();
    block.cache = c.cache;
    block.first_position = c.first_position;
    block.n_tokens = c.n_tokens;
    block.n_prompt = prompt_tokens(c.n_tokens);
    block.x = c.array("x");
    block.weight = c.array(c.is_complex() ? "blk.0.attn_qkv.re.weight" : "blk.0.attn_qkv.weight");
    if (c.is_complex()) block.imaginary = c.array("blk.0.attn_qkv.im.weight");
    block.bias = c.array("blk.0.attn_qkv.bias");
    block.sinks = c.array("blk.0.attn_sinks.weight");
    return block;
}

// Infinite for a NaN: a kernel left it out, or computed it from something that nobody wrote.
double largest_error(const std::vector<float>& actual, const std::vector<float>& expected) {
    double largest = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double error = std::abs(double{actual[i]} - double{expected[i]});
        largest = std::max(largest, std::isnan(error) ? HUGE_VAL : error);
    }
    return largest;
}

// The case of a cache format that came nearest to its tolerance.
struct Nearest {
    double error = 0.0, tolerance = 0.0;
    double share() const { return tolerance > 0.0 ? error / tolerance : 0.0; }
};

struct SystemResult {
    std::size_t n_cases = 0, n_failed = 0;
    std::map<CacheFormat, Nearest> nearest;

    void add(const ConformanceCase& c, double error) {
        ++n_cases;
        if (!(error <= c.tolerance)) ++n_failed;
        Nearest& nearest_yet = nearest[c.cache];
        const Nearest now{error, c.tolerance};
        if (now.share() >= nearest_yet.share()) nearest_yet = now;
    }
    // "rove  86 cases  0 failed  F32 cache: 1.2e-05 of 4.0e-05  ..."
    std::string line(const std::string& system) const {
        char text[128];
        std::snprintf(text, sizeof text, "%-20s %3zu cases %3zu failed", system.c_str(), n_cases,
                      n_failed);
        std::string result = text;
        for (const auto& [format, worst] : nearest) {
            std::snprintf(text, sizeof text, "  %s: %.1e of %.1e", format_name(format), worst.error,
                          worst.tolerance);
            result += text;
        }
        return result;
    }
    static const char* format_name(CacheFormat format) {
        switch (format) {
#define GYRE_CACHE_NAME(id, name, pairs, scales) \
    case CacheFormat::k##name:                   \
        return #name;
            CACHE_FORMAT_LIST(GYRE_CACHE_NAME)
#undef GYRE_CACHE_NAME
        }
        return "?";
    }
};

class ConformanceTest : public GpuTest, public testing::WithParamInterface<std::string> {
  protected:
    static void TearDownTestSuite() { table().reset(); }  // before the device
    // One table for all systems: they share pipelines.
    static KernelTable& kernels() {
        if (!table()) table().emplace(device());
        return *table();
    }
    static void report(const std::string& line) {
        std::printf("%s\n", line.c_str());
        const char* driver = std::getenv("GYRE_TEST_DRIVER");
        static std::ofstream file = [driver] {
            std::ofstream opened(std::string(GYRE_BINARY_DIR) + "/conformance." +
                                 (driver == nullptr ? "unknown" : driver) + ".txt");
            opened << device().info().name << ", " << device().info().driver_info << '\n';
            return opened;
        }();
        file << line << std::endl;
    }

  private:
    static std::optional<KernelTable>& table() {
        static std::optional<KernelTable> kernels;
        return kernels;
    }
};

TEST_P(ConformanceTest, EqualsOracle) {
    const auto system = load_conformance_system(GetParam());
    ASSERT_OK(system);
    SystemResult result;
    for (const ConformanceCase& c : system.value().cases) {
        AttentionBlock block = block_of(c);
        block.streams = result.n_cases % 2 == 0;  // every system by both attention kernels
        const auto mix = run_attention_block(device(), kernels(), block);
        EXPECT_OK(mix) << c.name;
        const double error = mix.ok() ? largest_error(mix.value(), c.expected) : HUGE_VAL;
        EXPECT_LE(error, c.tolerance) << c.name;
        result.add(c, error);
    }
    report(result.line(system.value().name));
}

INSTANTIATE_TEST_SUITE_P(Systems, ConformanceTest, testing::ValuesIn(conformance_systems()),
                         [](const auto& system) { return system.param; });

TEST(ConformanceFilesTest, HaveEverySystem) {
    EXPECT_GE(conformance_systems().size(), 60u);
}

}  // namespace
}  // namespace gyre::test
