/* script.h: a Lua text run as a scenario, and what it said. */
#ifndef SWARMBED_SCRIPT_H
#define SWARMBED_SCRIPT_H

#include "sim/scenario.h"

struct script {
    struct scenario_config config; /* may be changed before a run; the text is the run's */
    /* of the last run: */
    int status;
    struct report report;
    char *out, *err; /* standard output and error; owned */
};

/* Modelled crypto, one thread, seed 1, named "test.lua"; the story is told. */
void script_init(struct script *script);
void script_fini(struct script *script);
int script_run(struct script *script, const char *text);      /* the status */
int script_describe(struct script *script, const char *text); /* what it describes is in `out` */

/* Runs the text, which says by expect() what must hold: fails the test unless all of it does. */
#define script_holds(script, text) script_holds_at(script, text, __FILE__, __LINE__)
void script_holds_at(struct script *script, const char *text, const char *file, int line);
/* The same with a script of its own. */
#define story_holds(text) story_holds_at(text, __FILE__, __LINE__)
void story_holds_at(const char *text, const char *file, int line);
/* Runs the text: fails the test unless it ends with status 2 and all `words` (up to a NULL) are in what it says of it.
 */
#define script_refused(script, text, ...)                                                                              \
    script_refused_at(script, text, __FILE__, __LINE__, (const char *[]){__VA_ARGS__, NULL})
void script_refused_at(struct script *script, const char *text, const char *file, int line, const char *words[]);

#endif
