// Shared memory of a shader module: is there a barrier between writing and reading it, on every
// path?
// SPDX-License-Identifier: Apache-2.0
//
// Numbers of instructions and their operands: Khronos, SPIR-V Specification 1.3, section 3.32.
#include "tests/spirv/shared_memory.h"

#include <map>
#include <set>

namespace gyre::test {
namespace {

using Words = std::span<const std::uint32_t>;
using Id = std::uint32_t;

enum Op : std::uint32_t {
    kOpFunction = 54,
    kOpFunctionCall = 57,
    kOpVariable = 59,
    kOpLoad = 61,
    kOpStore = 62,
    kOpCopyMemory = 63,
    kOpAccessChain = 65,
    kOpInBoundsAccessChain = 66,
    kOpControlBarrier = 224,
    kOpLabel = 248,
    kOpBranch = 249,
    kOpBranchConditional = 250,
    kOpSwitch = 251,
    kOpReturn = 253,
    kOpReturnValue = 254,
    kOpCooperativeMatrixLoad = 4457,  // SPV_KHR_cooperative_matrix
    kOpCooperativeMatrixStore = 4458,
};
constexpr std::uint32_t kStorageClassWorkgroup = 4;

struct Instruction {
    std::uint32_t opcode;
    Words operands;
};

struct Function {
    Id first_block = 0;
    std::map<Id, std::vector<Instruction>> blocks;  // by label
};

// Shared variables that somebody may have read or written since the last barrier.
struct Touched {
    std::set<Id> read, written;

    bool operator==(const Touched&) const = default;
    void add(const Touched& other) {
        read.insert(other.read.begin(), other.read.end());
        written.insert(other.written.begin(), other.written.end());
    }
};

class Checker {
  public:
    explicit Checker(Words words) {
        Function* function = nullptr;
        Id label = 0;
        for (std::size_t at = 5; at < words.size();) {  // the header is five words
            const std::uint32_t length = words[at] >> 16, opcode = words[at] & 0xffffu;
            if (length == 0 || at + length > words.size()) break;
            const Words operands = words.subspan(at + 1, length - 1);
            at += length;
            if (opcode == kOpVariable && operands[2] == kStorageClassWorkgroup) {
                const Id number = static_cast<Id>(shared_.size());
                shared_[operands[1]] = number;
            } else if (opcode == kOpAccessChain || opcode == kOpInBoundsAccessChain) {
                if (shared_.count(operands[2])) shared_[operands[1]] = shared_.at(operands[2]);
            } else if (opcode == kOpFunction) {
                function = &functions_[operands[1]];
                label = 0;
            } else if (opcode == kOpLabel) {
                label = operands[0];
                if (function->first_block == 0) function->first_block = label;
            }
            if (function != nullptr && label != 0)
                function->blocks[label].push_back({opcode, operands});
        }
    }

    // Every function from a state in which nothing is touched; the entry point calls the others.
    std::vector<std::string> races() {
        for (const auto& [id, function] : functions_)
            run(function, {});
        return {races_.begin(), races_.end()};
    }

  private:
    // What may be touched where the function returns, for what may be touched where it begins.
    Touched run(const Function& function, const Touched& begin) {
        std::map<Id, Touched> before{{function.first_block, begin}};
        std::set<Id> todo{function.first_block};
        Touched end;
        while (!todo.empty()) {
            const Id label = *todo.begin();
            todo.erase(todo.begin());
            Touched state = before[label];
            for (const Instruction& instruction : function.blocks.at(label)) {
                step(instruction, state);
                if (instruction.opcode == kOpReturn || instruction.opcode == kOpReturnValue)
                    end.add(state);
                for (const Id next : successors(instruction)) {
                    const bool seen = before.count(next) != 0;
                    Touched merged = before[next];
                    merged.add(state);
                    if (seen && merged == before[next]) continue;
                    before[next] = merged;
                    todo.insert(next);
                }
            }
        }
        return end;
    }

    void step(const Instruction& instruction, Touched& state) {
        const Words o = instruction.operands;
        if (instruction.opcode == kOpControlBarrier) state = {};
        if (instruction.opcode == kOpLoad) load(o[2], state);
        if (instruction.opcode == kOpStore) store(o[0], state);
        if (instruction.opcode == kOpCooperativeMatrixLoad) load(o[2], state);
        if (instruction.opcode == kOpCooperativeMatrixStore) store(o[0], state);
        if (instruction.opcode == kOpCopyMemory) {
            load(o[1], state);
            store(o[0], state);
        }
        if (instruction.opcode != kOpFunctionCall) return;
        for (const Id argument : o.subspan(3)) {
            if (shared_.count(argument)) report(argument, "is passed to a function: not followed");
        }
        state = run(functions_.at(o[2]), state);
    }

    void load(Id pointer, Touched& state) {
        if (!shared_.count(pointer)) return;
        const Id variable = shared_.at(pointer);
        if (state.written.count(variable)) report(pointer, "is read after a write");
        state.read.insert(variable);
    }

    void store(Id pointer, Touched& state) {
        if (!shared_.count(pointer)) return;
        const Id variable = shared_.at(pointer);
        if (state.read.count(variable)) report(pointer, "is written after a read");
        state.written.insert(variable);
    }

    void report(Id pointer, const char* what) {
        races_.insert("shared variable " + std::to_string(shared_.at(pointer)) + " " + what +
                      ": put a barrier() between them");
    }

    static std::vector<Id> successors(const Instruction& instruction) {
        const Words o = instruction.operands;
        if (instruction.opcode == kOpBranch) return {o[0]};
        if (instruction.opcode == kOpBranchConditional) return {o[1], o[2]};
        if (instruction.opcode != kOpSwitch) return {};
        std::vector<Id> labels{o[1]};
        for (std::size_t i = 3; i < o.size(); i += 2)  // (32-bit literal, label) pairs
            labels.push_back(o[i]);
        return labels;
    }

    std::map<Id, Id> shared_;  // variables and pointers into them: the variable, counted from 0
    std::map<Id, Function> functions_;
    std::set<std::string> races_;
};

}  // namespace

std::vector<std::string> shared_memory_races(Words words) {
    return Checker(words).races();
}

}  // namespace gyre::test
