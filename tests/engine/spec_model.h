// Models that are a spec and random weights, and what they compute in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "runtime/engine/model.h"
#include "tests/engine/engine_fixture.h"

namespace gyre::test {

// The tensors of a spec in a file of float32, as find_model_tensors() reads them. No reader of keys
// knows such a model: only the spec says what is computed.
class SpecModel {
  public:
    // biases: of every product and every norm that may have one.
    SpecModel(const ModelSpec& spec, bool biases);

    const ModelFile& file() const { return *file_; }
    const ModelSpec& spec() const { return file_->config; }

    // [n_tokens][n_vocab], by tests/reference alone.
    std::vector<double> logits(Ids tokens) const;

  private:
    std::vector<std::uint8_t> bytes_;
    std::unique_ptr<ModelFile> file_;
};

}  // namespace gyre::test
