/*
 * json.c: text that is valid JSON whatever the model would like to write, by a mask of the tokens
 * that may come next.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     json [MODEL [SEED]]
 *
 * A small machine reads JSON byte by byte. Before each token the callback tries all tokens on a
 * copy of the machine and clears those whose bytes it refuses, or after which the text could not be
 * closed in the tokens that are left. Any other grammar works the same way.
 */
#include <gyre/gyre.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 8, MAX_TOKENS = 120 };

/* ---- A machine that reads JSON ----------------------------------------------------------------
 */

typedef enum {
    VALUE,         /* a value must come */
    FIRST_ELEMENT, /* after '[': a value or ']' */
    FIRST_KEY,     /* after '{': '"' or '}' */
    KEY,           /* after ',' in an object: '"' */
    COLON,
    AFTER_VALUE, /* ',' or the end of what is open */
    STRING,
    ESCAPE,
    WORD,  /* within true, false or null */
    MINUS, /* a digit must come */
    ZERO,  /* a number that is whole and begins with 0 */
    DIGITS,
    POINT, /* a digit must come */
    FRACTION
} state_t;

typedef struct {
    state_t state;
    int depth;
    char open[MAX_DEPTH]; /* '{' or '[' */
    int is_key;           /* of STRING */
    const char* word;     /* of WORD: what is left of it */
    int spaces;           /* in a row: one at most, so that the model gets on */
} json_t;

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}
static int is_done(const json_t* j) {
    return j->state == AFTER_VALUE && j->depth == 0;
}

static int begin_value(json_t* j, char c) {
    switch (c) {
        case '{':
        case '[':
            if (j->depth == MAX_DEPTH) return 0;
            j->open[j->depth++] = c;
            j->state = c == '{' ? FIRST_KEY : FIRST_ELEMENT;
            return 1;
        case '"':
            j->state = STRING;
            j->is_key = 0;
            return 1;
        case 't':
            j->state = WORD;
            j->word = "rue";
            return 1;
        case 'f':
            j->state = WORD;
            j->word = "alse";
            return 1;
        case 'n':
            j->state = WORD;
            j->word = "ull";
            return 1;
        case '-':
            j->state = MINUS;
            return 1;
        case '0':
            j->state = ZERO;
            return 1;
        default:
            j->state = DIGITS;
            return is_digit(c);
    }
}

static int end_container(json_t* j, char c) {
    if (j->depth == 0 || c != (j->open[j->depth - 1] == '{' ? '}' : ']')) return 0;
    j->depth--;
    j->state = AFTER_VALUE;
    return 1;
}

static int after_value(json_t* j, char c) {
    if (c == ',' && j->depth > 0) {
        j->state = j->open[j->depth - 1] == '{' ? KEY : VALUE;
        return 1;
    }
    return end_container(j, c);
}

static int in_number(json_t* j, char c) {
    const int needs_digit = j->state == MINUS || j->state == POINT;
    if (needs_digit && !is_digit(c)) return 0;
    if (j->state == MINUS) {
        j->state = c == '0' ? ZERO : DIGITS;
    } else if (j->state == POINT) {
        j->state = FRACTION;
    } else if (c == '.' && j->state != FRACTION) {
        j->state = POINT;
    } else if (!is_digit(c) || j->state == ZERO) {
        j->state = AFTER_VALUE; /* a number ends by what follows it */
        return after_value(j, c);
    }
    return 1;
}

/* Reads one byte; 0: no JSON goes on like this. Strings hold ASCII only: a token may be a part of a
 * character. */
static int read_byte(json_t* j, char c) {
    switch (j->state) {
        case STRING:
            if (c == '\\') {
                j->state = ESCAPE;
            } else if (c == '"') {
                j->state = j->is_key ? COLON : AFTER_VALUE;
            } else {
                return c >= 0x20 && c < 0x7f;
            }
            return 1;
        case ESCAPE:
            j->state = STRING;
            return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
        case WORD:
            if (c != *j->word) return 0;
            if (*++j->word == '\0') j->state = AFTER_VALUE;
            return 1;
        default:
            break;
    }
    if (c == ' ' && j->state != MINUS && j->state != POINT) {
        if (j->state >= ZERO) j->state = AFTER_VALUE;
        return ++j->spaces <= 1;
    }
    j->spaces = 0;
    switch (j->state) {
        case VALUE:
            return begin_value(j, c);
        case FIRST_ELEMENT:
            return c == ']' ? end_container(j, c) : begin_value(j, c);
        case FIRST_KEY:
            if (c == '}') return end_container(j, c);
            /* fall through */
        case KEY:
            j->state = STRING;
            j->is_key = 1;
            return c == '"';
        case COLON:
            j->state = VALUE;
            return c == ':';
        case AFTER_VALUE:
            return after_value(j, c);
        default:
            return in_number(j, c);
    }
}

/* The fewest bytes that complete the text. Every byte is a token of a byte-level vocabulary. */
static int bytes_to_end(const json_t* j) {
    const int value = 1; /* "0" */
    switch (j->state) {
        case VALUE:
        case MINUS:
        case POINT:
            return value + j->depth;
        case KEY:
            return 2 + 1 + value + j->depth; /* "" : 0 */
        case COLON:
            return 1 + value + j->depth;
        case STRING:
            return 1 + (j->is_key ? 1 + value : 0) + j->depth;
        case ESCAPE:
            return 2 + (j->is_key ? 1 + value : 0) + j->depth;
        case WORD:
            return (int)strlen(j->word) + j->depth;
        default:
            return j->depth;
    }
}

/* ---- The mask ------------------------------------------------------------------------------- */

typedef struct {
    const gyre_model* model;
    json_t json;
    int tokens_left;
} writer_t;

static int read_token(const gyre_model* model, json_t* json, uint32_t token) {
    gyre_token_info info = GYRE_TOKEN_INFO_INIT;
    size_t i;
    if (gyre_model_get_token(model, token, &info) != GYRE_OK) return 0;
    if (info.kind != GYRE_TOKEN_KIND_NORMAL || info.n_bytes == 0) return 0;
    for (i = 0; i < info.n_bytes; ++i) {
        if (is_done(json) || !read_byte(json, info.bytes[i])) return 0;
    }
    return 1;
}

static int allow(uint32_t* mask, size_t n_tokens, void* user) {
    writer_t* writer = user;
    size_t t;
    if (is_done(&writer->json)) return 0; /* the text is complete: stop */
    for (t = 0; t < n_tokens; ++t) {
        json_t after = writer->json;
        if (!read_token(writer->model, &after, (uint32_t)t) ||
            bytes_to_end(&after) > writer->tokens_left - 1) {
            mask[t / 32] &= ~(1u << t % 32);
        }
    }
    return 1;
}

static int on_token(const gyre_token_event* event, void* user) {
    writer_t* writer = user;
    fwrite(event->text, 1, event->n_text, stdout);
    fflush(stdout);
    if (event->token == GYRE_TOKEN_NONE) return 1;
    writer->tokens_left--;
    return read_token(writer->model, &writer->json, event->token);
}

int main(int argc, char** argv) {
    const char* prompt = "The book's title, its writer and its pages are:\n{";
    gyre_model* model = NULL;
    gyre_session* session = NULL;
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    writer_t writer = {0};
    int failed;

    sampling.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    sampling.allow = allow;
    sampling.allow_user = &writer;
    options.sampling = &sampling;
    options.max_tokens = MAX_TOKENS;
    options.on_token = on_token;
    options.user = &writer;
    writer.tokens_left = MAX_TOKENS;
    failed = gyre_model_open(argc > 1 ? argv[1] : "model.gguf", NULL, &model) != GYRE_OK;
    writer.model = model;
    read_byte(&writer.json, '{'); /* an object, which the prompt begins */
    printf("{");
    failed = failed || gyre_session_create(model, NULL, &session) != GYRE_OK;
    failed =
        failed || gyre_session_generate(session, prompt, strlen(prompt), &options, NULL) != GYRE_OK;
    if (failed) fprintf(stderr, "%s\n", gyre_last_error());
    printf("\n");
    gyre_session_destroy(session);
    gyre_model_destroy(model);
    return failed;
}
