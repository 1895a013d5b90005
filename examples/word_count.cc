/* SPDX-License-Identifier: Apache-2.0
 *
 * word_count.cc - word count in C++20: the same headers, options by designators, lambdas as
 * callbacks.
 *
 *      word_count_cc "to be or not to be"...       counts its arguments in a test driver
 *
 * Captureless lambdas convert to the library's callbacks. They must not throw.
 */
#include <kstream/kstream.h>

#include <cstring>
#include <iostream>
#include <memory>
#include <string_view>

namespace {

using topology_ptr = std::unique_ptr<ks_topology, decltype(&ks_topology_free)>;
using driver_ptr   = std::unique_ptr<ks_driver, decltype(&ks_driver_free)>;

topology_ptr word_count()
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    auto *lines = ks_builder_stream(b, "lines", KS_CONSUMED(.value = ks_serde_utf8()));
    auto *words = ks_stream_flat_map_values(
        lines,
        [](ks_ctx *ctx, const ks_record *line, void *) noexcept {
            for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
                ks_ctx_forward_value(ctx, word);
            return KS_OK;
        },
        nullptr, KS_NAMED("split"));
    auto *groups = ks_stream_group_by(
        words,
        [](ks_ctx *, const ks_record *word, ks_bytes *key, void *) noexcept {
            *key = word->value;
            return KS_OK;
        },
        nullptr, KS_GROUPED(.name = "by"));
    auto *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(counts, nullptr), "word-counts",
                 KS_PRODUCED(.value = ks_serde_i64()));
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return { topology, ks_topology_free };
}

} // namespace

int main(int argc, char **argv)
{
    if (argc > 1 && std::strcmp(argv[1], "--help") == 0) {
        std::cout << "usage: word_count_cc TEXT...\n";
        return 0;
    }
    topology_ptr topology = word_count();
    driver_ptr   driver{ ks_driver_new(topology.get(), nullptr, nullptr), ks_driver_free };

    for (int i = 1; i < argc; i++)
        ks_driver_pipe_text(driver.get(), "lines", nullptr, argv[i], i);
    while (const ks_record *out = ks_driver_read(driver.get(), "word-counts"))
        std::cout << std::string_view(static_cast<const char *>(out->key.data), out->key.size)
                  << ' ' << ks_bytes_i64(out->value, 0) << '\n';
    if (ks_error_status(ks_driver_error(driver.get())) != KS_OK) {
        std::cerr << "word_count_cc: " << ks_error_message(ks_driver_error(driver.get())) << '\n';
        return 1;
    }
}
