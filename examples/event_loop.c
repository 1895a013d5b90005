/* SPDX-License-Identifier: Apache-2.0
 *
 * event_loop.c - an app without threads of its own, in the program's epoll loop.
 *
 *      echo "a line" | event_loop
 *
 * The loop waits for two things: standard input, whose lines it publishes to a topic in memory, and
 * the app, which turns them to upper case. The app tells what to wait for: ks_app_fd() is readable
 * when there is work, ks_app_next_ms() is the time to the next timer. Results are printed as they
 * come; ends with the input.
 */
#include <kstream/kstream.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static ks_status upper(ks_ctx *ctx, ks_record *line, void *user)
{
    char *text = ks_ctx_edit(ctx, &line->value, line->value.size);

    (void)user;
    for (size_t i = 0; text != NULL && i < line->value.size; i++)
        text[i] = (char)toupper((unsigned char)text[i]);
    return KS_OK;
}

static ks_topology *shout(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_stream   *lines = ks_builder_stream(b, "lines", NULL);

    ks_stream_to(ks_stream_map_values(lines, upper, NULL, KS_NAMED("upper")), "shouts", NULL);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

/* Publish one line of standard input; false at its end. */
static bool publish(ks_writer *writer)
{
    char line[4096];

    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return ks_writer_append_text(writer, "lines", NULL, line, -1) == KS_OK &&
           ks_writer_flush(writer, 1000) == KS_OK;
}

static int print_results(ks_reader *reader)
{
    int count = 0;

    for (ks_entry entry; ks_reader_next(reader, 0, &entry); count++)
        printf("%.*s\n", KS_BYTES_ARG(entry.record.value));
    return count;
}

/* One turn: wait for input or work, publish, step, print. Gives the lines published less those
 * printed. */
static int turn(ks_app *app, int poller, ks_writer *writer, ks_reader *reader, bool *open)
{
    struct epoll_event events[2];
    int                due   = ks_app_next_ms(app);
    int                count = epoll_wait(poller, events, 2, *open ? due : due < 0 ? 10 : due);
    int                waiting = 0;

    for (int i = 0; i < count; i++)
        if (events[i].data.fd == STDIN_FILENO && *open) {
            *open = publish(writer);
            waiting += *open;
            if (!*open)
                epoll_ctl(poller, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        }
    return ks_app_step(app, 5) == KS_OK ? waiting - print_results(reader) : -1000;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return printf("usage: %s < LINES\n", argv[0]) < 0;
    ks_log      *log    = ks_log_new("memory:event-loop", NULL);
    ks_writer   *writer = ks_log_writer(log, NULL);
    ks_reader   *reader = ks_log_reader(log, NULL);
    ks_config   *config = ks_config_new();
    ks_topology *topology = shout();
    int          poller = epoll_create1(0), waiting = 0;
    bool         open = true;

    ks_log_create_topic(log, "lines", 1, false);
    ks_log_create_topic(log, "shouts", 1, false);
    ks_reader_assign(reader, "shouts", 0, 0);
    ks_config_set(config, "application.id", "event-loop");
    ks_config_set(config, "bootstrap.servers", "memory:event-loop");
    ks_app *app = ks_app_new(topology, config);

    setvbuf(stdin, NULL, _IONBF, 0);
    if (ks_app_step(app, 0) == KS_OK) {
        epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO,
                  &(struct epoll_event){ .events = EPOLLIN, .data.fd = STDIN_FILENO });
        epoll_ctl(poller, EPOLL_CTL_ADD, ks_app_fd(app),
                  &(struct epoll_event){ .events = EPOLLIN, .data.fd = ks_app_fd(app) });
        while (waiting >= 0 && (open || waiting > 0))
            waiting += turn(app, poller, writer, reader, &open);
    }
    ks_status status = ks_app_close(app, -1);
    if (status != KS_OK)
        fprintf(stderr, "event_loop: %s\n", ks_error_message(ks_app_error(app)));
    ks_app_free(app), ks_topology_free(topology), ks_config_free(config);
    ks_reader_free(reader), ks_writer_free(writer), ks_log_free(log), close(poller);
    return status != KS_OK;
}
