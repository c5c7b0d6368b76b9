// gyre bench: keys that scripts rely on, counts that follow from the model, a picture that is XML.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

using Json = nlohmann::json;

class BenchTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { turn_validation_on(); }

    // Small figures: nothing here depends on how long they take.
    ProcessResult bench(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"bench", "--device", "0", "--repeat", "2"});
        return run(arguments);
    }

    ProcessResult run(const std::vector<std::string>& arguments) {
        return run_gyre(
            arguments,
            {{}, {"XDG_CACHE_HOME=" + folder_.path("cache"), "GYRE_MODEL", "GYRE_LOG=error"}, 0});
    }

    TemporaryFolder folder_;
};

void expect_spread(const Json& spread) {
    for (const char* key : {"median", "min", "max"})
        EXPECT_GT(spread.at(key), 0.0) << key;
    EXPECT_LE(spread.at("min"), spread.at("median"));
    EXPECT_LE(spread.at("median"), spread.at("max"));
}

TEST_F(BenchTest, JsonOfTheShippedModel) {
    const ProcessResult result =
        bench({"-m", std::string(GYRE_SOURCE_DIR) + "/models/gyre-books-5m.gguf", "--prompt", "12",
               "--gen", "3", "--depth", "0,20", "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    const Json json = Json::parse(result.out);
    EXPECT_NE(json.at("device"), "");
    EXPECT_NE(json.at("driver"), "");
    EXPECT_TRUE(json.at("model").get<std::string>().ends_with(".gguf"));
    expect_spread(json.at("prefill").at("tokens_per_second"));
    expect_spread(json.at("decode").at("tokens_per_second"));
    for (const char* key : {"time_to_first_token_seconds", "load_seconds"})
        EXPECT_GT(json.at(key), 0.0) << key;
    EXPECT_GT(json.at("time_to_first_token").at("cold_seconds"), 0.0);
    for (const char* key : {"peak_host_bytes", "device_bytes"})
        EXPECT_GT(json.at(key), 1 << 20) << key;

    const Json& counted = json.at("counted");
    constexpr std::uint32_t kLayers = 4;  // of the shipped model
    // Embed, layers, logits, two of a greedy sampler.
    const std::uint32_t more = more_dispatches(kLayers, 3);
    EXPECT_GE(counted.at("dispatches_per_token"), 1 + 5 * kLayers + 1 + 2);
    EXPECT_LE(counted.at("descriptor_binds_per_token"), counted.at("dispatches_per_token"));
    if (json.at("decode").at("tokens_per_second").at("min") > 40) {  // else a token may be cut
        EXPECT_LE(counted.at("dispatches_per_token"), 1 + 5 * kLayers + 1 + 2 + more);
        EXPECT_LE(counted.at("barriers_per_token"), 1 + 5 * kLayers + 1 + 4 + more);
        EXPECT_LE(counted.at("submits_per_token"), 1);
        EXPECT_LE(counted.at("host_waits_per_token"), 1);
    }
    EXPECT_GT(counted.at("host_waits_per_token"), 0);
    const double weights = counted.at("weight_bytes_per_token");
    const double minimum = counted.at("minimum_weight_bytes_per_token");
    EXPECT_GE(weights, minimum);
    EXPECT_LE(weights, 1.02 * minimum);
    EXPECT_GT(counted.at("cache_bytes_per_token"), 0);

    for (const char* key :
         {"achieved_bytes_per_second", "measured_copy_bytes_per_second", "percent"})
        EXPECT_GT(json.at("bandwidth").at(key), 0.0) << key;
    for (const char* key : {"achieved_flops_per_second", "measured_flops_per_second", "percent"})
        EXPECT_GT(json.at("fma").at(key), 0.0) << key;

    const Json& depths = json.at("decode_at_depth");
    ASSERT_EQ(depths.size(), 2u);
    EXPECT_EQ(depths[0], json.at("decode"));
    EXPECT_EQ(depths[1].at("depth"), 20);
    EXPECT_GT(depths[1].at("cache_bytes_per_token"), depths[0].at("cache_bytes_per_token"));
    EXPECT_FALSE(json.contains("profile"));
    EXPECT_FALSE(json.contains("sustained"));
}

// Without a tokenizer gyre_session_generate cannot be used; the figures are the same.
TEST_F(BenchTest, AModelWithoutTokenizerAndItsCurve) {
    const ProcessResult result = bench({"-m", golden_path("rove_half"), "--prompt", "5", "--gen",
                                        "4", "--kv", "f32", "--minutes", "0.01", "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json json = Json::parse(result.out);
    EXPECT_GE(json.at("counted").at("dispatches_per_token"), 1 + 5 * 2 + 1);
    EXPECT_LE(json.at("counted").at("dispatches_per_token"), 1 + 5 * 2 + 1 + more_dispatches(2));
    expect_spread(json.at("decode").at("tokens_per_second"));
    const Json& curve = json.at("sustained");
    ASSERT_GE(curve.size(), 1u);
    double before = 0.0;
    for (const Json& sample : curve) {
        EXPECT_GT(sample.at("seconds"), before);
        EXPECT_GT(sample.at("tokens_per_second"), 0.0);
        before = sample.at("seconds");
    }
}

TEST_F(BenchTest, TextIsOnStdoutAndNothingOnStderr) {
    const ProcessResult result = bench({"-m", golden_path("text"), "--prompt", "8", "--gen", "4",
                                        "--minutes", "0.01", "--profile"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    for (const char* part : {"tokens per second", "prompt of 8", "decode at depth 0", "first token",
                             "dispatches", "copies", "norm_up_activate", "sustained"})
        EXPECT_NE(result.out.find(part), std::string::npos) << part;
}

// Tags closed in the order in which they were opened, text without bare signs: enough to say that
// an XML reader takes it.
void expect_well_formed(const std::string& xml) {
    std::vector<std::string> open;
    std::size_t at = 0;
    while (at < xml.size()) {
        if (xml[at] == '&') {
            const std::size_t end = xml.find(';', at);
            ASSERT_LT(end - at, 6u) << xml.substr(at, 40);
        }
        ASSERT_NE(xml[at], '>') << xml.substr(at, 40);
        if (xml[at] != '<') {
            ++at;
            continue;
        }
        const std::size_t end = xml.find('>', at);
        ASSERT_NE(end, std::string::npos);
        const std::string tag = xml.substr(at + 1, end - at - 1);
        ASSERT_EQ(tag.find('<'), std::string::npos) << tag;
        ASSERT_EQ(std::count(tag.begin(), tag.end(), '"') % 2, 0) << tag;
        if (tag.starts_with("/")) {
            ASSERT_FALSE(open.empty());
            ASSERT_EQ(tag.substr(1), open.back());
            open.pop_back();
        } else if (!tag.ends_with("/")) {
            open.push_back(tag.substr(0, tag.find(' ')));
        }
        at = end + 1;
    }
    EXPECT_TRUE(open.empty());
}

TEST_F(BenchTest, ProfileAsTableAndAsPicture) {
    const std::string file = folder_.path("profile.svg");
    const ProcessResult result = bench({"-m", golden_path("rove_half"), "--prompt", "6", "--gen",
                                        "2", "--kv", "q8_0", "--json", "--profile", file});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json json = Json::parse(result.out);
    const Json& decode = json.at("profile").at("decode");
    double sum = 0.0;
    for (const Json& operation : decode.at("operations"))
        sum += operation.at("seconds").get<double>();
    EXPECT_NEAR(sum, decode.at("seconds").get<double>(), 1e-9);
    EXPECT_EQ(decode.at("operations").size(), 8u);  // a Q8_0 cache has one more
    EXPECT_EQ(json.at("profile").at("prompt").at("operations").size(), 8u);

    const std::string svg = read_file(file);
    EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    expect_well_formed(svg);
    for (const char* part : {"layer 0", "layer 1", "attention", "quantize_cache", "norm_logits",
                             "One decoded token at depth 0", "A prompt of 6 tokens"})
        EXPECT_NE(svg.find(part), std::string::npos) << part;
}

// Catches: layers that are alike and not folded, or folded and counted once.
TEST_F(BenchTest, PlanAsTableAndAsPicture) {
    const std::string file = folder_.path("plan.svg");
    const std::vector<std::string> command = {"plan",     "-m",   golden_path("rove_half"),
                                              "--device", "0",    "--ctx",
                                              "32",       "--kv", "q8_0",
                                              "--tune",   "off",  "--svg",
                                              file};
    std::vector<std::string> with_json = command;
    with_json.push_back("--json");
    const ProcessResult result = run(with_json);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json json = Json::parse(result.out);
    EXPECT_EQ(json.at("n_ctx"), 32);
    for (const char* part : {"decode", "prompt"}) {
        std::uint64_t dispatches = 0, bytes = 0;
        std::set<std::string> operations;
        for (const Json& step : json.at(part).at("steps")) {
            const std::uint64_t n = step.value("n_layers", 1u);
            dispatches += n * step.at("dispatches").get<std::uint64_t>();
            bytes += n * step.at("bytes").get<std::uint64_t>();
            operations.insert(step.at("operation"));
        }
        EXPECT_EQ(json.at(part).at("dispatches"), dispatches);
        EXPECT_EQ(json.at(part).at("bytes"), bytes);
        EXPECT_GE(dispatches, 1u + (std::string(part) == "decode" ? 6 : 8) * 2 + 1);
        EXPECT_TRUE(operations.contains("quantize_cache") && operations.contains("attention"));
    }
    EXPECT_EQ(json.at("prompt").at("steps").size(), 1u + 8 + 2) << "two layers that are alike";

    const std::string svg = read_file(file);
    EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    expect_well_formed(svg);
    for (const char* part : {"layers 0 to 1", "attention", "quantize_cache", "hidden"})
        EXPECT_NE(svg.find(part), std::string::npos) << part;

    const ProcessResult text = run(command);
    ASSERT_EQ(text.exit_code, 0) << text.err;
    for (const char* part :
         {"one decoded token", "layers 0 to 1", "after the layers", "32 positions"})
        EXPECT_NE(text.out.find(part), std::string::npos) << part;
}

TEST_F(BenchTest, FailuresAreOneLine) {
    const std::vector<std::string> commands[] = {
        {"-m", folder_.path("none.gguf")},
        {"-m", golden_path("learned"), "--ctx", "100000"},
        {"-m", golden_path("text"), "--prompt", "3", "--gen", "2", "--profile",
         folder_.path("no/folder/p.svg")},
    };
    for (const auto& command : commands) {
        const ProcessResult result = bench(command);
        EXPECT_EQ(result.exit_code, 1);
        EXPECT_EQ(result.out, "");
        EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    }
}

}  // namespace
}  // namespace gyre::test
