// gyre bench --profile: the device's time by operation and layer, median of several runs.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <map>

#include "apps/gyre/bench.h"

namespace gyre::app {
namespace {

// One run: times of an operation and layer added up, in the order in which they first came.
struct Run {
    std::vector<ProfileRow> rows;

    static void receive(const gyre_profile_event* event, void* user) {
        auto& rows = static_cast<Run*>(user)->rows;
        const auto found = std::find_if(rows.begin(), rows.end(), [&](const ProfileRow& row) {
            return row.layer == event->layer && row.operation == event->operation;
        });
        ProfileRow& row = found != rows.end() ? *found : rows.emplace_back();
        row.operation = event->operation;
        row.layer = event->layer;
        row.dispatches += event->dispatches;
        row.seconds += event->seconds;
    }
};

// False: the device cannot.
bool profile_once(gyre_session* session, const std::uint32_t* tokens, std::uint32_t n, Run& run) {
    const gyre_status status = gyre_session_profile(session, tokens, n, Run::receive, &run);
    if (status == GYRE_ERROR_UNSUPPORTED) {
        std::fprintf(stderr, "gyre: %s\n", gyre_last_error());
        return false;
    }
    check_run(status);
    return true;
}

// The runs' medians, row by row.
std::vector<ProfileRow> medians(const std::vector<Run>& runs) {
    std::vector<ProfileRow> rows = runs.front().rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<double> seconds;
        seconds.reserve(runs.size());
        for (const Run& run : runs)
            seconds.push_back(run.rows[i].seconds);
        rows[i].seconds = Spread::of(seconds).median;
    }
    return rows;
}

}  // namespace

double ProfilePart::seconds() const {
    double sum = 0.0;
    for (const ProfileRow& row : rows)
        sum += row.seconds;
    return sum;
}

std::vector<ProfileRow> ProfilePart::by_operation() const {
    std::map<std::string, ProfileRow> sums;
    for (const ProfileRow& row : rows) {
        ProfileRow& sum = sums[row.operation];
        sum.operation = row.operation;
        sum.dispatches += row.dispatches;
        sum.seconds += row.seconds;
    }
    std::vector<ProfileRow> sorted;
    sorted.reserve(sums.size());
    for (const auto& [operation, sum] : sums)
        sorted.push_back(sum);
    std::stable_sort(sorted.begin(), sorted.end(), [](const ProfileRow& a, const ProfileRow& b) {
        return a.seconds > b.seconds;
    });
    return sorted;
}

std::optional<Profile> measure_profile(BenchSession& session, const BenchOptions& options,
                                       const BenchProgress& progress) {
    Profile profile;
    std::vector<Run> decode, prompt;
    const std::uint32_t depth = first_depth(options.depths.front());
    session.feed(depth);
    for (std::uint32_t i = 0; i <= options.repeat; ++i) {
        progress("profile", 0.5 * i / (options.repeat + 1));
        Run run;
        if (!profile_once(session.get(), session.tokens(depth + 1) + depth, 1, run)) return {};
        if (i > 0) decode.push_back(std::move(run));  // the driver may compile during the first
        session.truncate(depth);
    }
    for (std::uint32_t i = 0; i <= options.repeat; ++i) {
        progress("profile", 0.5 + 0.5 * i / (options.repeat + 1));
        check(gyre_session_reset(session.get()));
        Run run;
        if (!profile_once(session.get(), session.tokens(options.prompt), options.prompt, run)) {
            return {};
        }
        if (i > 0) prompt.push_back(std::move(run));
    }
    profile.decode = {"One decoded token at depth " + std::to_string(options.depths.front()),
                      medians(decode)};
    profile.prompt = {"A prompt of " + std::to_string(options.prompt) + " tokens", medians(prompt)};
    return profile;
}

}  // namespace gyre::app
