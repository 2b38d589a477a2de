/*
 * service/codeguess: wrong codes of second factors, by user, wherever they come from: who knows a password and has many addresses must not get
 * many guesses. Only who gave the right password is counted, so that no stranger locks anybody out; a code of recovery is taken all the
 * while. In memory, bounded. Owner: the thread that signs people in.
 */
#ifndef SERVICE_CODEGUESS_H
#define SERVICE_CODEGUESS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CODEGUESS_FREE = 10, /* wrong ones in a row … */
    CODEGUESS_WAIT_S =
        300, /* … then one each so long: 0.1 % a day to guess right (three codes are good at a time) */
};

struct codeguess;

int codeguess_alloc(struct codeguess **gp);
void codeguess_free(struct codeguess *g);
/* How many seconds no code of his is looked at; 0: it is. */
uint32_t codeguess_wait(const struct codeguess *g, const char *user, uint64_t now_ms);
/* Whether the next ones have to wait from now on, for the first time since a right one: for the log and the audit. */
bool codeguess_wrong(struct codeguess *g, const char *user, uint64_t now_ms);
void codeguess_right(struct codeguess *g, const char *user);

#endif
