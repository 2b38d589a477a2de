/* Asterisk's files as administrators write them: templates, includes, comments; and what becomes of them. */
#include "cmd/asterisk.h"
#include "cmd/astimport.h"
#include "testing.h"
#include "unit/store/tempdir.h"

#include <errno.h>

static struct ast *ast;
static struct astimport im;
static char why[256];

static bool parse(const char *text)
{
    CHECK_OR(!ast_parse(&ast, "pjsip.conf", text, strlen(text), why, sizeof(why)), return false);
    return true;
}

static bool import(const char *text)
{
    CHECK_OR(parse(text), return false);
    CHECK_OR(!astimport_run(&im, ast, false), return false);
    return true;
}

static void finish(void)
{
    astimport_reset(&im);
    ast_free(ast);
}

static const char *text_of(const struct buf *b)
{
    return b->data ? b->data : "";
}

#define WEBRTC "[w](!)\ntype=endpoint\nwebrtc=yes\n[a](!)\ntype=auth\nauth_type=userpass\n"

TEST(comments_arrows_and_spaces)
{
    const struct ast_section *s;

    CHECK(parse("\xef\xbb\xbf; first\n[ x ] ; a section\n  key => value ; end\r\n"
                "semi = a\\;b\n;-- all\nlost = 1\n--; found = 2\n;--- a plain comment\nlast=3"));
    CHECK_EQ_INT(ast->section_count, 1);
    s = &ast->sections[0];
    CHECK_STR(s->name, "x");
    CHECK_STR(ast_get(s, "KEY"), "value");
    CHECK_STR(ast_get(s, "semi"), "a;b");
    CHECK(!ast_get(s, "lost"));
    CHECK_STR(ast_get(s, "found"), "2");
    CHECK_STR(ast_get(s, "last"), "3");
    CHECK_EQ_INT(s->options[0]->line, 3);
    CHECK_EQ_INT(ast->note_count, 0);
    ast_free(ast);
}

TEST(templates_heirs_and_additions)
{
    CHECK(parse("[a](!)\nx=1\ny=1\n[b](!,a)\ny=2\n[c](a,b)\nz=3\n[c](+)\nx=9\n[d](nix)\n[e](+)\n"));
    CHECK(ast->sections[0].is_template && ast->sections[1].is_template && !ast->sections[2].is_template);
    CHECK_STR(ast_get(&ast->sections[2], "x"), "9");
    CHECK_STR(ast_get(&ast->sections[2], "y"), "2");
    CHECK_STR(ast_get(&ast->sections[2], "z"), "3");
    CHECK_EQ_INT(ast->note_count, 2); /* nix, and [e](+) of nothing */
    CHECK_EQ_INT(ast->notes[0].line, 10);
    ast_free(ast);
}

TEST(what_cannot_be_read_is_noted_with_its_line)
{
    CHECK(parse("stray=1\n[open\n[x]\nword\n[y](broken\n#exec /bin/true\n#include other.conf\n=5\n"));
    CHECK_EQ_INT(ast->note_count, 7);
    CHECK_EQ_INT(ast->notes[0].line, 1);
    CHECK_EQ_INT(ast->notes[6].line, 8);
    ast_free(ast);
}

static void write_file(const struct tempdir *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    f = fopen(path, "we");
    CHECK_OR(f, return );
    fputs(text, f);
    fclose(f);
}

TEST(includes_are_found_beside_their_file_and_may_not_go_round)
{
    struct tempdir dir;
    char path[256];

    CHECK(tempdir_make(&dir));
    write_file(&dir, "main.conf",
               "#include \"a*.conf\"\n#tryinclude none.conf\n#include none.conf\n#include <round.conf>\n");
    write_file(&dir, "a1.conf", "[one]\nk=1\n");
    write_file(&dir, "a2.conf", "[two]\nk=2\n");
    write_file(&dir, "round.conf", "#include round.conf\n");
    snprintf(path, sizeof(path), "%s/main.conf", dir.path);
    CHECK_EQ_INT(ast_read(&ast, path, why, sizeof(why)), 0);
    CHECK_EQ_INT(ast->section_count, 2);
    CHECK_STR(ast->sections[1].name, "two");
    CHECK_EQ_INT(ast->note_count, 2); /* none.conf, and the end of the round */
    ast_free(ast);
    snprintf(path, sizeof(path), "%s/missing.conf", dir.path);
    CHECK_EQ_INT(ast_read(&ast, path, why, sizeof(why)), ENOENT);
    CHECK(strstr(why, "missing.conf"));
    tempdir_remove(&dir);
}

TEST(an_endless_tree_of_heirs_ends)
{
    struct buf text;

    buf_init(&text, 16 * 1024 * 1024);
    buf_puts(&text, "[t0](!)\nk=v\n");
    for (int i = 1; i < 64; i++)
        buf_printf(&text, "[t%d](!,t%d,t%d)\n", i, i - 1, i - 1);
    CHECK_EQ_INT(ast_parse(&ast, "bomb", text.data, text.len, why, sizeof(why)), EFBIG);
    buf_reset(&text);
}

TEST(webrtc_endpoints_become_dns)
{
    CHECK(import(WEBRTC "[5001](w)\nauth=5001\ncallerid=\"Ada, L\" <5001>\ndisallow=all\nallow=opus,ulaw\n"
                        "[5001](a)\nusername=5001\npassword=secret1\n"
                        "[5002]\ntype=endpoint\ntransport=my-wss\nauth=u2\nallow=!all,alaw,ulaw\n"
                        "[u2](a)\nusername=bob\npassword=pass,word\n"));
    CHECK_STR(text_of(&im.csv),
              "dn,name,password,codec\r\n5001,\"Ada, L\",secret1,auto\r\n5002,,\"pass,word\",pcma\r\n");
    CHECK_EQ_INT(im.dn_count, 2);
    CHECK_EQ_INT(im.unused_count, 1);
    CHECK(strstr(text_of(&im.unused), "username=bob"));
    CHECK(!strstr(text_of(&im.dns), "secret1") && !strstr(text_of(&im.unused), "pass,word"));
    finish();
}

TEST(what_gives_no_password_is_said)
{
    static const char *const said[] = {"md5_cred", "no auth section", "shorter than 6", "cannot be a DN",
                                       "already"};

    CHECK(import(WEBRTC "[1](w)\nauth=1\n[1]\ntype=auth\nauth_type=md5\nmd5_cred=0123\n"
                        "[2](w)\n[3](w)\nauth=3\n[3](a)\npassword=short\n"
                        "[a b](w)\n[5](w)\nauth=5\n[5](a)\npassword=longenough\n[5](w)\nauth=5\n"));
    CHECK_EQ_INT(im.dn_count, 1);
    CHECK_EQ_INT(im.unused_count, 5);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        CHECK(strstr(text_of(&im.unused), said[i]));
    CHECK(!strstr(text_of(&im.unused), "0123"));
    finish();
}

TEST(trunks_are_shown_as_the_commands_that_make_them)
{
    CHECK(import(
        "[t]\ntype=transport\nprotocol=tcp\n"
        "[g]\ntype=endpoint\ntransport=t\naors=g\nallow=alaw\n[g]\ntype=aor\ncontact=sip:x@10.0.0.81:5070\n"
        "[h]\ntype=endpoint\noutbound_auth=h\n[h]\ntype=auth\nusername=gw\npassword=secret1\n"
        "[h]\ntype=identify\nendpoint=h\nmatch=10.0.0.0/24\n"
        "[s]\ntype=endpoint\naors=s\n[s]\ntype=aor\ncontact=sips:10.0.0.82\n"
        "[evil]\ntype=endpoint\naors=evil\n[evil]\ntype=aor\ncontact=sip:$(reboot)\n"
        "[phone]\ntype=endpoint\naors=phone\n"));
    CHECK(strstr(text_of(&im.trunks),
                 "dngate trunk add g --address 10.0.0.81:5070 --transport tcp --codecs pcma\n"));
    CHECK(strstr(text_of(&im.trunks), "dngate trunk add h --address 10.0.0.0 --username gw --password -\n"));
    CHECK(strstr(text_of(&im.trunks), "dngate trunk add s --address 10.0.0.82 --transport tls\n"));
    CHECK_EQ_INT(im.trunk_count, 3);
    CHECK(!strstr(text_of(&im.trunks), "secret1"));
    CHECK(strstr(text_of(&im.unused), "[phone]: a telephone over udp"));
    finish();
}

TEST(a_line_of_a_template_is_told_of_once)
{
    CHECK(import("[w](!)\ntype=endpoint\nwebrtc=yes\ncontext=agents\ndtls_auto_generate_cert=yes\n"
                 "[1](w)\nauth=p\n[2](w)\nauth=p\n[p]\ntype=auth\npassword=longenough\n"));
    CHECK_EQ_INT(im.dn_count, 2);
    CHECK_EQ_INT(im.unused_count, 1);
    CHECK(strstr(text_of(&im.unused), "pjsip.conf:4: context=agents"));
    finish();
}
