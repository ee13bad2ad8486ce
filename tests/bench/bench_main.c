/* bench_main.c: runs the benchmarks and prints one table. Usage: bench [--json] [--only NAME] */
#include "tests/bench/bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/suite.h"

#define ROWS_MAX   32
#define ROUNDS_MAX 32

struct bench {
    struct bench_row rows[ROWS_MAX];
    size_t count;
    const char *running;
};

static const struct benchmark {
    const char *name;
    void (*run)(struct bench *bench);
} benchmarks[] = {
    {"onion", bench_onion},   {"modelled", bench_modelled}, {"threads", bench_threads},   {"pow", bench_pow},
    {"events", bench_events}, {"memory", bench_memory},     {"building", bench_building}, {"store", bench_store},
    {"idle", bench_idle},     {"http", bench_http},         {"data", bench_data},
    {"session", bench_session},
};

void bench_add(struct bench *bench, const struct bench_row *row)
{
    ASSERT(bench->count < ROWS_MAX);
    bench->rows[bench->count] = *row;
    bench->rows[bench->count++].name = bench->running;
}

static int compare_doubles(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

double bench_median(double values[], size_t count)
{
    qsort(values, count, sizeof(values[0]), compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct bench_pair bench_compare(unsigned rounds, bench_side_fn ours, void *our_owner, bench_side_fn theirs,
                                void *their_owner)
{
    double our_ns[ROUNDS_MAX], their_ns[ROUNDS_MAX], ratios[ROUNDS_MAX];

    ASSERT(rounds > 0 && rounds <= ROUNDS_MAX);
    ours(our_owner);
    theirs(their_owner);
    for (unsigned i = 0; i < rounds; i++) {
        if (i % 2 == 0)
            our_ns[i] = ours(our_owner);
        their_ns[i] = theirs(their_owner);
        if (i % 2 == 1)
            our_ns[i] = ours(our_owner);
        ratios[i] = our_ns[i] / their_ns[i];
    }
    return (struct bench_pair){bench_median(our_ns, rounds), bench_median(their_ns, rounds),
                               bench_median(ratios, rounds)};
}

uint64_t bench_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t bench_allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* The table. */

static bool is_met(const struct bench_figure *figure)
{
    switch (figure->aim) {
    case AIM_NONE:
        return true;
    case AIM_AT_LEAST:
        return figure->value >= figure->aim_value;
    case AIM_AT_MOST:
        return figure->value <= figure->aim_value;
    }
    return false;
}

static const char *verdict(const struct bench_row *row)
{
    if (row->ratio.aim == AIM_NONE && row->absolute.aim == AIM_NONE)
        return "-";
    return is_met(&row->ratio) && is_met(&row->absolute) ? "yes" : "NO";
}

/* "1,234.5 us" */
static void write_number(char out[48], double value, int decimals, const char *unit)
{
    char digits[32];
    size_t len, whole, at = 0;

    snprintf(digits, sizeof(digits), "%.*f", decimals, value);
    len = strlen(digits);
    whole = strcspn(digits, ".");
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    snprintf(out + at, 48 - at, "%s%s", unit[0] == '\0' ? "" : " ", unit);
}

static void write_figure(char out[48], const struct bench_figure *figure)
{
    out[0] = '\0';
    if (figure->unit != NULL)
        write_number(out, figure->value, figure->decimals, figure->unit);
}

static size_t write_aim(char *out, size_t room, const struct bench_figure *figure, const char *before)
{
    char number[48];

    if (figure->unit == NULL || figure->aim == AIM_NONE)
        return 0;
    write_number(number, figure->aim_value, figure->decimals, figure->unit);
    return (size_t)snprintf(out, room, "%s%s %s", before, figure->aim == AIM_AT_LEAST ? ">=" : "<=", number);
}

#define COLUMNS 7
struct line {
    char cell[COLUMNS][160];
};

static struct line line_of(const struct bench_row *row)
{
    struct line line = {0};
    size_t len;

    snprintf(line.cell[0], sizeof(line.cell[0]), "%s", row->what);
    snprintf(line.cell[1], sizeof(line.cell[1]), "%s", row->against);
    write_figure(line.cell[2], &row->ratio);
    write_figure(line.cell[3], &row->absolute);
    len = write_aim(line.cell[4], sizeof(line.cell[4]), &row->ratio, "");
    write_aim(line.cell[4] + len, sizeof(line.cell[4]) - len, &row->absolute, len > 0 ? ", " : "");
    snprintf(line.cell[5], sizeof(line.cell[5]), "%s", verdict(row));
    snprintf(line.cell[6], sizeof(line.cell[6]), "%s", row->detail);
    return line;
}

static void print_load(const char *when)
{
    double load[3] = {0};

    if (getloadavg(load, 3) == 3)
        printf("load average %s: %.2f %.2f %.2f\n", when, load[0], load[1], load[2]);
}

static void print_table(const struct bench *bench)
{
    static const struct line head = {{"what", "against", "ratio", "absolute", "aim", "met", "detail"}};
    int widths[COLUMNS] = {0};

    for (size_t i = 0; i <= bench->count; i++) {
        struct line line = i == 0 ? head : line_of(&bench->rows[i - 1]);

        for (size_t column = 0; column < COLUMNS; column++)
            if ((int)strlen(line.cell[column]) > widths[column])
                widths[column] = (int)strlen(line.cell[column]);
    }
    for (size_t i = 0; i <= bench->count; i++) {
        struct line line = i == 0 ? head : line_of(&bench->rows[i - 1]);

        for (size_t column = 0; column < COLUMNS; column++)
            printf("| %-*s ", widths[column], line.cell[column]);
        printf("|\n");
        if (i > 0)
            continue;
        for (size_t column = 0; column < COLUMNS; column++)
            printf("| %.*s ", widths[column],
                   "------------------------------------------------------------------------"
                   "------------------------------------------------------------------------");
        printf("|\n");
    }
}

/* Texts here hold nothing that JSON would escape. */
static void print_json_figure(const char *name, const struct bench_figure *figure)
{
    static const char *const aims[] = {[AIM_AT_LEAST] = "at_least", [AIM_AT_MOST] = "at_most"};

    if (figure->unit == NULL)
        return;
    printf(",\"%s\":{\"value\":%.6g,\"unit\":\"%s\"", name, figure->value, figure->unit);
    if (figure->aim != AIM_NONE)
        printf(",\"%s\":%.6g", aims[figure->aim], figure->aim_value);
    printf("}");
}

static void print_json(const struct bench *bench)
{
    double load[3] = {0};

    (void)getloadavg(load, 3);
    printf("{\"load_average\":[%.2f,%.2f,%.2f],\"rows\":[", load[0], load[1], load[2]);
    for (size_t i = 0; i < bench->count; i++) {
        const struct bench_row *row = &bench->rows[i];

        printf("%s{\"name\":\"%s\",\"what\":\"%s\",\"against\":\"%s\"", i == 0 ? "" : ",", row->name, row->what,
               row->against);
        print_json_figure("ratio", &row->ratio);
        print_json_figure("absolute", &row->absolute);
        printf(",\"met\":\"%s\",\"detail\":\"%s\"}", verdict(row), row->detail);
    }
    printf("]}\n");
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [--json] [--only NAME]; NAME is one of:");
    for (size_t i = 0; i < ARRAY_LEN(benchmarks); i++)
        fprintf(stderr, " %s", benchmarks[i].name);
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const char *only = NULL;
    bool json = false, any = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            return usage();
    }
    for (size_t i = 0; i < ARRAY_LEN(benchmarks); i++)
        any |= only == NULL || strcmp(only, benchmarks[i].name) == 0;
    if (!any)
        return usage();
    if (crypto_start() != OK) {
        fprintf(stderr, "bench: the cryptographic libraries do not start\n");
        return 3;
    }
    if (!json)
        print_load("before");
    for (size_t i = 0; i < ARRAY_LEN(benchmarks); i++) {
        if (only != NULL && strcmp(only, benchmarks[i].name) != 0)
            continue;
        bench.running = benchmarks[i].name;
        fprintf(stderr, "bench: %s\n", bench.running);
        benchmarks[i].run(&bench);
    }
    if (json) {
        print_json(&bench);
    } else {
        print_table(&bench);
        print_load("after");
    }
    return 0;
}
