// Token and position embeddings in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyre::reference {

// x[t] = token_rows[tokens[t]] + position_rows[first_position + t].
// token_rows [n_vocab, n_channels]; position_rows [n_ctx, n_channels], or empty: none.
// Radford et al., Language Models are Unsupervised Multitask Learners (GPT-2), 2019; wte and wpe.
std::vector<double> embed(std::span<const std::uint32_t> tokens, std::span<const double> token_rows,
                          std::span<const double> position_rows, std::size_t n_channels,
                          std::size_t first_position);

// row[2i] = sin(position / 10000^(2i / n_channels)), row[2i + 1] = cos of the same.
// Vaswani et al., Attention Is All You Need, arXiv:1706.03762, section 3.5.
std::vector<double> sinusoidal_row(double position, std::size_t n_channels);

}  // namespace gyre::reference
