-- Whose a message is, so that groups share fairly.
ALTER TABLE messages ADD COLUMN whose TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_of_group ON messages (queue, dead, whose, visible_at, id);
