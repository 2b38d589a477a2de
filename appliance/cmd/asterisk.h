/*
 * cmd/asterisk: reads Asterisk's configuration files: sections with options, templates [x](!), heirs [y](x,z), additions [y](+),
 * #include and #tryinclude (relative to the file that has them, with * and ?), comments from ; and between ;-- and --;,
 * "key = value" and "key => value". What it cannot read it notes and goes on. The command line's process.
 */
#ifndef CMD_ASTERISK_H
#define CMD_ASTERISK_H

#include <stdbool.h>
#include <stddef.h>

enum {
    AST_DEPTH_MAX = 10,               /* includes in includes */
    AST_FILES_MAX = 256,              /* read in all */
    AST_BYTES_MAX = 8 * 1024 * 1024,  /* of one file */
    AST_TOTAL_MAX = 32 * 1024 * 1024, /* of all */
    AST_LINE_MAX = 4096,
    AST_SECTIONS_MAX = 100000,
    AST_OPTIONS_MAX = 2000000, /* inherited ones count in each heir */
    AST_NOTES_MAX = 10000,
};

struct ast_option { /* one line; heirs share it */
    const char *file;
    unsigned line;
    char *key, *value;
    bool told; /* for whoever reports */
};

struct ast_section {
    const char *file;
    unsigned line;
    char *name;
    bool is_template;
    struct ast_option **options; /* inherited ones first */
    size_t count, size;
};

struct ast_note { /* a line that could not be read */
    const char *file;
    unsigned line;
    char *text;
};

struct ast {
    struct ast_section *sections;
    size_t section_count, section_size;
    struct ast_note *notes;
    size_t note_count, note_size;
    struct ast_option **options; /* owns them */
    size_t option_count, option_size;
    char **files; /* owns their names */
    size_t file_count, bytes, references;
};

/* ENOENT, EACCES … of the file itself, EFBIG a limit; why is one line. */
int ast_read(struct ast **ap, const char *path, char *why, size_t whysz);
/* The same of a text in memory, in which includes are only noted. */
int ast_parse(struct ast **ap, const char *name, const char *text, size_t len, char *why, size_t whysz);
void ast_free(struct ast *a);

/* The value that counts, the last one; NULL = none. Keys in any case. */
const char *ast_get(const struct ast_section *s, const char *key);
/* The first section of that type (its type=) and, unless NULL, name; templates do not count. */
const struct ast_section *ast_find(const struct ast *a, const char *type, const char *name);

#endif
