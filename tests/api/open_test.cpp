// Models out of descriptors and of memory: the same as by path, and nothing of the caller's is
// kept, closed, moved or changed.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#ifdef _WIN32
#include <io.h>
#else
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

#ifdef _WIN32
int open_file_descriptor(const std::string& path, int flags) {
    return ::_open(path.c_str(), flags | _O_BINARY);
}
bool make_pipe(int* ends) {
    return ::_pipe(ends, 256, _O_BINARY) == 0;
}
#else
int open_file_descriptor(const std::string& path, int flags) {
    return ::open(path.c_str(), flags);
}
bool make_pipe(int* ends) {
    return ::pipe(ends) == 0;
}
#endif

gyre_model_options no_device() {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    return options;
}

ModelPtr open_memory(const void* data, size_t n_bytes) {
    const gyre_model_options options = no_device();
    gyre_model* model = nullptr;
    EXPECT_GYRE_OK(gyre_model_open_memory(data, n_bytes, &options, &model));
    return ModelPtr(model);
}

gyre_status try_open_fd(int fd, std::uint64_t offset, std::uint64_t n_bytes, ModelPtr& opened) {
    const gyre_model_options options = no_device();
    auto* model = reinterpret_cast<gyre_model*>(1);
    const gyre_status status = gyre_model_open_fd(fd, offset, n_bytes, &options, &model);
    EXPECT_EQ(model != nullptr, status == GYRE_OK);
    opened.reset(model);
    return status;
}

ModelPtr open_fd(int fd, std::uint64_t offset = 0, std::uint64_t n_bytes = 0) {
    ModelPtr model;
    EXPECT_GYRE_OK(try_open_fd(fd, offset, n_bytes, model));
    return model;
}

// All that a model tells about its file, for comparisons.
std::string told(const gyre_model* model) {
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    EXPECT_GYRE_OK(gyre_model_get_info(model, &info));
    std::string all = std::string(info.name) + info.weight_types + info.rotary_json +
                      std::to_string(info.n_parameters) + " " + std::to_string(info.file_bytes);
    for (size_t i = 0; i < gyre_model_metadata_count(model); ++i) {
        const char* key = gyre_model_metadata_key(model, i);
        size_t n = 0;
        EXPECT_GYRE_OK(gyre_model_metadata(model, key, nullptr, 0, &n));
        std::string value(n, ' ');
        EXPECT_GYRE_OK(gyre_model_metadata(model, key, value.data(), n, &n));
        all += std::string("\n") + key + " = " + value;
    }
    std::uint32_t ids[32] = {};
    size_t n = 0;
    EXPECT_GYRE_OK(gyre_model_tokenize(model, "Hello, world", 12, 0, ids, 32, &n));
    for (size_t i = 0; i < n; ++i) {
        gyre_token_info token = GYRE_TOKEN_INFO_INIT;
        EXPECT_GYRE_OK(gyre_model_get_token(model, ids[i], &token));
        all += "\n" + std::string(token.bytes, token.n_bytes);
    }
    return all;
}

// A descriptor that is closed at the end.
class Fd {
  public:
    explicit Fd(const std::string& path, int flags = O_RDONLY)
        : fd_(open_file_descriptor(path, flags)) {
        EXPECT_GE(fd_, 0) << path;
    }
    ~Fd() { ::close(fd_); }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

class OpenTest : public ::testing::Test {
  protected:
    static void expect_error(gyre_status status, gyre_status expected,
                             std::initializer_list<const char*> parts) {
        EXPECT_EQ(status, expected) << gyre_last_error();
        for (const char* part : parts)
            EXPECT_NE(std::string(gyre_last_error()).find(part), std::string::npos)
                << part << " in: " << gyre_last_error();
    }

    const std::string file_ = read_file(golden_path("text"));
    const std::string expected_ = told(open_file(golden_path("text")).get());
    const TemporaryFolder folder_;
    const std::string path_ = folder_.path("package");
};

// Catches: a descriptor that is read, moved or closed, or needed after the call.
TEST_F(OpenTest, ADescriptorStaysAsItIs) {
    ModelPtr model;
    {
        const Fd fd(golden_path("text"));
        ASSERT_EQ(::lseek(fd.get(), 17, SEEK_SET), 17);
        model = open_fd(fd.get());
        EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 17) << "moved, or not open any more";
    }
    EXPECT_EQ(told(model.get()), expected_);
}

// Catches: an offset that is rounded, a length that is the file's.
TEST_F(OpenTest, PartOfAFile) {
    for (const size_t offset : {1u, 4091u, 4096u, 65536u, 65537u, 3u * 65536u + 13u}) {
        SCOPED_TRACE(offset);
        write_file(path_, std::string(offset, 'G') + file_ + "what follows");
        const Fd fd(path_);
        const ModelPtr model = open_fd(fd.get(), offset, file_.size());
        EXPECT_EQ(told(model.get()), expected_);
        // Bytes after the last tensor are nobody's.
        gyre_model_info info = GYRE_MODEL_INFO_INIT;
        const ModelPtr rest = open_fd(fd.get(), offset);
        ASSERT_GYRE_OK(gyre_model_get_info(rest.get(), &info));
        EXPECT_EQ(info.file_bytes, file_.size() + 12);
    }
}

TEST_F(OpenTest, RangesThatTheFileDoesNotHave) {
    const Fd fd(golden_path("text"));
    const std::string name = "the descriptor " + std::to_string(fd.get());
    const std::string size = "has " + std::to_string(file_.size()) + " bytes";
    ModelPtr model;
    for (const std::uint64_t offset : {std::uint64_t{file_.size()}, std::uint64_t{file_.size() + 1},
                                       UINT64_MAX, std::uint64_t{1} << 63}) {
        const std::string where = name + " at offset " + std::to_string(offset);
        expect_error(try_open_fd(fd.get(), offset, 0, model), GYRE_ERROR_INVALID_ARGUMENT,
                     {where.c_str(), size.c_str()});
    }
    for (const std::uint64_t n : {std::uint64_t{file_.size() + 1}, UINT64_MAX}) {
        const std::string length = "length " + std::to_string(n);
        expect_error(try_open_fd(fd.get(), 0, n, model), GYRE_ERROR_INVALID_ARGUMENT,
                     {name.c_str(), length.c_str(), size.c_str()});
    }
    expect_error(try_open_fd(fd.get(), 4, file_.size() - 3, model), GYRE_ERROR_INVALID_ARGUMENT,
                 {"at offset 4", size.c_str()});
    // Inside of the file, but not a model: the text says where.
    expect_error(try_open_fd(fd.get(), 4, 0, model), GYRE_ERROR_BAD_FILE,
                 {(name + " at offset 4: not a GGUF file").c_str()});
    expect_error(try_open_fd(fd.get(), 0, file_.size() - 100, model), GYRE_ERROR_BAD_FILE,
                 {name.c_str(), "reach beyond the end of the data"});
}

TEST_F(OpenTest, DescriptorsThatAreNoFile) {
    ModelPtr model;
    int ends[2] = {-1, -1};
    ASSERT_TRUE(make_pipe(ends));
    expect_error(try_open_fd(ends[0], 0, 0, model), GYRE_ERROR_BAD_FILE,
                 {"not a regular file", "pipe", "memory"});
    ::close(ends[0]);
    ::close(ends[1]);
#ifndef _WIN32
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    expect_error(try_open_fd(ends[0], 0, 0, model), GYRE_ERROR_BAD_FILE, {"not a regular file"});
    ::close(ends[0]);
    ::close(ends[1]);
    const Fd folder(folder_.folder());
    expect_error(try_open_fd(folder.get(), 0, 0, model), GYRE_ERROR_BAD_FILE,
                 {"not a regular file"});
#endif
    const int number = open_file_descriptor(golden_path("text"), O_RDONLY);
    ::close(number);
    const std::string closed = "the descriptor " + std::to_string(number) + ": is not open";
    expect_error(try_open_fd(number, 0, 0, model), GYRE_ERROR_INVALID_ARGUMENT, {closed.c_str()});
    expect_error(try_open_fd(-1, 0, 0, model), GYRE_ERROR_INVALID_ARGUMENT, {"descriptor -1"});
    write_file(path_, "");
    const Fd empty(path_);
    expect_error(try_open_fd(empty.get(), 0, 0, model), GYRE_ERROR_BAD_FILE, {"empty"});
    write_file(path_, file_);
    const Fd for_writing(path_, O_WRONLY);
    expect_error(try_open_fd(for_writing.get(), 0, 0, model), GYRE_ERROR_BAD_FILE, {"cannot map"});
}

// Catches, under AddressSanitizer too: anything of the memory that is read after the call, or
// beyond its end.
TEST_F(OpenTest, MemoryMayGoAfterTheCall) {
    for (const size_t shift : {0u, 1u, 13u}) {  // any address
        SCOPED_TRACE(shift);
        auto memory = std::make_unique<char[]>(shift + file_.size());
        std::memcpy(memory.get() + shift, file_.data(), file_.size());
        const ModelPtr model = open_memory(memory.get() + shift, file_.size());
        EXPECT_EQ(std::memcmp(memory.get() + shift, file_.data(), file_.size()), 0);
        std::memset(memory.get(), 0xff, shift + file_.size());
        EXPECT_EQ(told(model.get()), expected_);
        memory.reset();
        EXPECT_EQ(told(model.get()), expected_);
    }
}

#ifndef _WIN32
// Catches: a write, or advice to the kernel that loses what is not a file's. Whole pages that may
// only be read.
TEST_F(OpenTest, MemoryIsOnlyRead) {
    void* pages =
        ::mmap(nullptr, file_.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages, MAP_FAILED);
    std::memcpy(pages, file_.data(), file_.size());
    ASSERT_EQ(::mprotect(pages, file_.size(), PROT_READ), 0);
    const ModelPtr model = open_memory(pages, file_.size());
    EXPECT_EQ(std::memcmp(pages, file_.data(), file_.size()), 0);
    ASSERT_EQ(::munmap(pages, file_.size()), 0);
    EXPECT_EQ(told(model.get()), expected_);
}
#endif

// Catches: a read beyond the end of memory that ends too soon; errors that keep a pointer to it.
TEST_F(OpenTest, MemoryThatIsNoModel) {
    const gyre_model_options options = no_device();
    gyre_model* model = nullptr;
    expect_error(gyre_model_open_memory(nullptr, 5, &options, &model), GYRE_ERROR_INVALID_ARGUMENT,
                 {"data is NULL"});
    expect_error(gyre_model_open_memory("GGUF", 0, &options, &model), GYRE_ERROR_BAD_FILE,
                 {"the memory of 0 bytes: "});
    for (size_t n = 1; n < file_.size(); n += n < 4096 ? 61 : 4096) {
        const auto memory = std::make_unique<char[]>(n);
        std::memcpy(memory.get(), file_.data(), n);
        const std::string name = "the memory of " + std::to_string(n) + " bytes: ";
        expect_error(gyre_model_open_memory(memory.get(), n, &options, &model), GYRE_ERROR_BAD_FILE,
                     {name.c_str()});
        EXPECT_EQ(model, nullptr);
    }
}

// The file may go as soon as it is open: a package that is updated, a file that is overwritten.
TEST_F(OpenTest, AFileMayChangeAfterTheCall) {
    write_file(path_, file_);
    const ModelPtr model = open_file(path_);
    std::filesystem::resize_file(path_, 0);
    EXPECT_EQ(told(model.get()), expected_);
}

}  // namespace
}  // namespace gyre::test
