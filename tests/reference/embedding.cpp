// Token and position embeddings in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/embedding.h"

#include <cassert>
#include <cmath>

namespace gyre::reference {

std::vector<double> embed(std::span<const std::uint32_t> tokens, std::span<const double> token_rows,
                          std::span<const double> position_rows, std::size_t n_channels,
                          std::size_t first_position) {
    std::vector<double> x(tokens.size() * n_channels);
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        const std::size_t token_row = tokens[t] * n_channels;
        const std::size_t position_row = (first_position + t) * n_channels;
        assert(token_row + n_channels <= token_rows.size());
        assert(position_rows.empty() || position_row + n_channels <= position_rows.size());
        for (std::size_t i = 0; i < n_channels; ++i) {
            x[t * n_channels + i] = token_rows[token_row + i];
            if (!position_rows.empty()) x[t * n_channels + i] += position_rows[position_row + i];
        }
    }
    return x;
}

std::vector<double> sinusoidal_row(double position, std::size_t n_channels) {
    std::vector<double> row(n_channels);
    for (std::size_t c = 0; c < n_channels; ++c) {
        const auto even = static_cast<double>(c - c % 2);
        const double angle = position / std::pow(10000.0, even / static_cast<double>(n_channels));
        row[c] = c % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
    return row;
}

}  // namespace gyre::reference
