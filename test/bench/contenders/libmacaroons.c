/*
 * libmacaroons in one process: reads, verifies and frees tokens, every one of them new, for so many milliseconds.
 * Signatures alone: its conditions are only passed over, which favours it.
 *
 *   libmacaroons TOKENS-FILE KEY-IN-HEX MILLISECONDS
 *
 * Prints verifications a second.
 */
#include <macaroons.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_TOKENS 100000
#define LONGEST 8192

static int pass(void *nothing, const unsigned char *predicate, size_t length) {
    (void)nothing, (void)predicate, (void)length;
    return 0;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 4) fail("three arguments");
    static char *tokens[MOST_TOKENS];
    static char line[LONGEST];
    FILE *file = fopen(arguments[1], "r");
    if (file == NULL) fail("no tokens");
    size_t size = 0;
    while (size < MOST_TOKENS && fgets(line, LONGEST, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        tokens[size++] = strdup(line);
    }
    fclose(file);

    unsigned char key[32];
    for (int at = 0; at < 32; at++) {
        unsigned int byte;
        if (sscanf(arguments[2] + 2 * at, "%2x", &byte) != 1) fail("the key is no hex");
        key[at] = byte;
    }

    enum macaroon_returncode error;
    struct macaroon_verifier *verifier = macaroon_verifier_create();
    if (macaroon_verifier_satisfy_general(verifier, pass, NULL, &error) != 0) fail("no verifier");
    double duration = atof(arguments[3]), begun = now();
    size_t verified = 0;
    while (now() - begun < duration) {
        for (int some = 0; some < 100; some++) {
            struct macaroon *macaroon = macaroon_deserialize(tokens[verified % size], &error);
            if (macaroon == NULL) fail("a token that cannot be read");
            if (macaroon_verify(verifier, macaroon, key, sizeof key, NULL, 0, &error) != 0) fail("a good token was refused");
            macaroon_destroy(macaroon);
            verified++;
        }
    }
    printf("%f\n", verified * 1e3 / (now() - begun));
    return 0;
}
