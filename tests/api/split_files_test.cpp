// Split files through the C API and the program: opened by the first part, else refused with what
// to do.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

#include <algorithm>
#include <filesystem>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"
#include "tests/api/process.h"
#include "tests/model/split_model.h"

namespace gyre::test {
namespace {

class SplitFileTest : public ::testing::Test {
  protected:
    void SetUp() override {
        const auto parts = testing::split_model(whole_, {3, 5, whole_.tensors.size() - 8});
        for (std::size_t i = 0; i < parts.size(); ++i) {
            paths_.push_back(folder_.path(testing::part_name("m", i + 1, parts.size())));
            write_model(paths_.back(), parts[i]);
            n_bytes_ += std::filesystem::file_size(paths_.back());
        }
        options_.device = "none";
    }

    static ProcessResult run(const std::vector<std::string>& arguments) {
        return run_gyre(arguments, {{}, {"VK_DRIVER_FILES=/nonexistent.json", "GYRE_LOG"}, 0});
    }

    const testing::GgufBuilder whole_ = model_with_tokenizer();
    const TemporaryFolder folder_;
    std::vector<std::string> paths_;
    std::uint64_t n_bytes_ = 0;
    gyre_model_options options_ = GYRE_MODEL_OPTIONS_INIT;
};

TEST_F(SplitFileTest, TheFirstPartIsTheModel) {
    const std::string whole_path = folder_.path("whole.gguf");
    write_model(whole_path, whole_);
    gyre_model_info whole = GYRE_MODEL_INFO_INIT;
    const ModelPtr expected = open_file(whole_path);
    ASSERT_GYRE_OK(gyre_model_get_info(expected.get(), &whole));
    const ModelPtr model = open_file(paths_[0]);
    ASSERT_NE(model, nullptr);
    for (const std::string& path : paths_)
        std::filesystem::remove(path);  // nothing is read after the call
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    ASSERT_GYRE_OK(gyre_model_get_info(model.get(), &info));
    EXPECT_EQ(info.n_parameters, whole.n_parameters);
    EXPECT_STREQ(info.weight_types, whole.weight_types);
    EXPECT_EQ(info.file_bytes, n_bytes_);
    EXPECT_STREQ(info.ignored, "");
    std::uint32_t tokens[8] = {};
    std::size_t n = 0;
    ASSERT_GYRE_OK(gyre_model_tokenize(model.get(), "Ahe", 3, 0, tokens, 8, &n));
    EXPECT_EQ(n, 2u);
}

// Catches: a part that is taken for a file with tensors missing, by the ways that have no path.
TEST_F(SplitFileTest, DescriptorsAndMemoryHaveNoOtherParts) {
    const auto expect_refused = [](gyre_status status, const std::string& name) {
        EXPECT_EQ(status, GYRE_ERROR_UNSUPPORTED);
        EXPECT_EQ(gyre_last_error(),
                  name +
                      ": part 1 of 3 of a split file, whose other parts are found by a path "
                      "alone; open the first part by its path, or join the parts with "
                      "llama-gguf-split --merge");
    };
    const std::string bytes = read_file(paths_[0]);
    gyre_model* model = nullptr;
    expect_refused(gyre_model_open_memory(bytes.data(), bytes.size(), &options_, &model),
                   "the memory of " + std::to_string(bytes.size()) + " bytes");
#ifdef _WIN32
    const int fd = ::_open(paths_[0].c_str(), O_RDONLY | _O_BINARY);
#else
    const int fd = ::open(paths_[0].c_str(), O_RDONLY);
#endif
    expect_refused(gyre_model_open_fd(fd, 0, 0, &options_, &model),
                   "the descriptor " + std::to_string(fd));
    ::close(fd);
}

TEST_F(SplitFileTest, TheProgramSaysWhatToDo) {
    const ProcessResult all = run({"info", paths_[0]});
    EXPECT_EQ(all.exit_code, 0) << all.err;
    const ProcessResult other = run({"run", "-m", paths_[1], "-p", "x"});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_EQ(other.err, "gyre: " + paths_[1] + ": part 2 of 3 of a split file; open the first " +
                             "part, " + paths_[0] + "\n");
    std::filesystem::remove(paths_[2]);
    const ProcessResult missing = run({"info", paths_[0]});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_NE(missing.err.find("gyre: " + paths_[2] + ": cannot open"), std::string::npos)
        << missing.err;
    EXPECT_NE(missing.err.find("part 3 of 3 of a split file"), std::string::npos) << missing.err;
    EXPECT_EQ(std::count(missing.err.begin(), missing.err.end(), '\n'), 1) << missing.err;
}

}  // namespace
}  // namespace gyre::test
