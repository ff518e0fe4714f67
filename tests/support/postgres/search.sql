-- Text search.
CREATE TEXT SEARCH PARSER app.my_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, HEADLINE = prsd_headline, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE app.my_template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY app.my_words (TEMPLATE = app.my_template, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY app.my_stems (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH CONFIGURATION app.my_search (PARSER = app.my_parser);
ALTER TEXT SEARCH CONFIGURATION app.my_search ADD MAPPING FOR asciiword, word WITH app.my_words, extensions.unaccent, app.my_stems;
CREATE TEXT SEARCH CONFIGURATION app.my_copy (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION app.my_copy ALTER MAPPING FOR asciiword WITH simple;
ALTER TEXT SEARCH CONFIGURATION app.my_copy DROP MAPPING FOR url;
COMMENT ON TEXT SEARCH CONFIGURATION app.my_search IS 'ours';
COMMENT ON TEXT SEARCH DICTIONARY app.my_words IS 'words';
COMMENT ON TEXT SEARCH PARSER app.my_parser IS 'parses';
COMMENT ON TEXT SEARCH TEMPLATE app.my_template IS 'of a dictionary';
ALTER TEXT SEARCH CONFIGURATION app.my_copy OWNER TO app_owner;
CREATE TABLE app.searched(t text, found tsvector GENERATED ALWAYS AS (to_tsvector('app.my_search', t)) STORED);
CREATE INDEX ON app.searched USING gin (found);
INSERT INTO app.searched(t) VALUES('the Häuser and houses'), (NULL);
