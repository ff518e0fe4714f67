-- Partitions at three levels, in other schemas, with columns in another order, attached and detached.
CREATE TABLE app.sales(id bigint NOT NULL, day date NOT NULL, region text NOT NULL, amount numeric(10, 2) DEFAULT 0, note text, PRIMARY KEY (id, day, region)) PARTITION BY RANGE (day);
CREATE TABLE app.sales_2023 PARTITION OF app.sales FOR VALUES FROM (MINVALUE) TO ('2024-01-01') PARTITION BY LIST (region);
CREATE TABLE app.sales_2023_eu PARTITION OF app.sales_2023 FOR VALUES IN ('at', 'de', 'it''s') PARTITION BY HASH (id);
CREATE TABLE app.sales_2023_eu_0 PARTITION OF app.sales_2023_eu FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE app.sales_2023_eu_1 PARTITION OF app.sales_2023_eu FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE UNLOGGED TABLE app.sales_2023_eu_2 PARTITION OF app.sales_2023_eu FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE app.sales_2023_other PARTITION OF app.sales_2023 DEFAULT;
CREATE TABLE extensions.sales_2024(note text, gone int, region text NOT NULL, amount numeric(10, 2) DEFAULT 5, day date NOT NULL, also_gone text, id bigint NOT NULL);
ALTER TABLE extensions.sales_2024 DROP gone, DROP also_gone, ADD CHECK (amount < 1000000);
ALTER TABLE app.sales ATTACH PARTITION extensions.sales_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE app.sales_later PARTITION OF app.sales(amount DEFAULT 9, CONSTRAINT not_too_late CHECK (day < '2100-01-01')) DEFAULT;
CREATE INDEX sales_amount ON app.sales(amount) WHERE amount > 0;
CREATE INDEX sales_note ON ONLY app.sales(note);
CREATE INDEX sales_note_2024 ON extensions.sales_2024(note);
ALTER INDEX app.sales_note ATTACH PARTITION extensions.sales_note_2024;
INSERT INTO app.sales(id, day, region, amount, note)
SELECT i, '2023-06-01'::date + i % 900, (ARRAY['at', 'de', 'it''s', 'us', 'jp'])[i % 5 + 1], i / 100.0, CASE WHEN i % 7 > 0 THEN md5(i::text) END FROM generate_series(1, 6000) AS i;
CREATE TABLE app.sales_detached PARTITION OF app.sales FOR VALUES FROM ('2099-01-01') TO ('2099-02-01');
INSERT INTO app.sales VALUES(1, '2099-01-05', 'at', 1, 'detached');
ALTER TABLE app.sales DETACH PARTITION app.sales_detached;

CREATE TABLE app.by_expression(a int, b text) PARTITION BY RANGE (abs(a), lower(b) COLLATE "C" text_pattern_ops);
CREATE TABLE app.by_expression_1 PARTITION OF app.by_expression FOR VALUES FROM (0, MINVALUE) TO (10, 'm');
CREATE TABLE app.by_expression_2 PARTITION OF app.by_expression FOR VALUES FROM (10, 'm') TO (MAXVALUE, MAXVALUE);
INSERT INTO app.by_expression VALUES(-3, 'X'), (50, 'y');
CREATE TABLE app.no_partitions(a int) PARTITION BY LIST (a);
CREATE TABLE app.by_null(a text) PARTITION BY LIST (a);
CREATE TABLE app.by_null_1 PARTITION OF app.by_null FOR VALUES IN (NULL, '');
INSERT INTO app.by_null VALUES(NULL), ('');
-- Hashes of enums differ after a restore: rows may belong to other partitions.
CREATE TABLE app.by_enum(colour app.colour, n int) PARTITION BY HASH (colour);
CREATE TABLE app.by_enum_0 PARTITION OF app.by_enum FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.by_enum_1 PARTITION OF app.by_enum FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO app.by_enum SELECT c, n FROM unnest(enum_range(NULL::app.colour)) AS c, generate_series(1, 5) AS n;
CREATE TABLE app.sale_parts(id int PRIMARY KEY, sale bigint, day date, region text, FOREIGN KEY (sale, day, region) REFERENCES app.sales ON DELETE CASCADE);
INSERT INTO app.sale_parts SELECT row_number() OVER (ORDER BY id), id, day, region FROM app.sales WHERE id <= 50 AND day < '2099-01-01';
ALTER TABLE app.sales ADD COLUMN customer bigint REFERENCES app.customers;
UPDATE app.sales SET customer = 100 WHERE id % 11 = 0;
ALTER TABLE app.sales OWNER TO app_owner;
COMMENT ON TABLE app.sales_2023_eu IS 'in the middle';
