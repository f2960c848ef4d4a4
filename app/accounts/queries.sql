-- name: add_user
-- Also wakes a removed user; no row comes back when the id is in use.
INSERT INTO users (user_id, role, password_argon2)
VALUES (%(user_id)s, %(role)s, %(password_argon2)s)
ON CONFLICT (user_id) DO UPDATE
SET role = excluded.role, password_argon2 = excluded.password_argon2, created_at = now(),
    removed_at = NULL
WHERE users.removed_at IS NOT NULL
RETURNING user_id

-- name: add_household
INSERT INTO user_households (user_id, household_id) VALUES (%(user_id)s, %(household_id)s)

-- name: forget_households
DELETE FROM user_households WHERE user_id = %(user_id)s

-- name: remove_user
UPDATE users SET removed_at = %(now)s WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: revoke_tokens
UPDATE api_tokens SET revoked_at = %(now)s WHERE user_id = %(user_id)s AND revoked_at IS NULL

-- name: list_users
SELECT user_id, role, created_at,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM users u WHERE removed_at IS NULL ORDER BY user_id

-- name: find_user
SELECT user_id, role, password_argon2,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM users u WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: lock
SELECT pg_advisory_xact_lock(%(key)s::bigint)

-- name: any_administrator
SELECT FROM users WHERE role = 'administrator' AND removed_at IS NULL LIMIT 1

-- name: issue_token
INSERT INTO api_tokens (token_sha256, user_id, created_at, expires_at)
SELECT %(token_sha256)s::bytea, user_id, %(now)s::timestamptz, %(expires_at)s::timestamptz
FROM users WHERE user_id = %(user_id)s AND removed_at IS NULL

-- name: find_token
SELECT u.user_id, u.role,
       ARRAY(SELECT household_id FROM user_households h
             WHERE h.user_id = u.user_id ORDER BY 1) AS households
FROM api_tokens t JOIN users u USING (user_id)
WHERE t.token_sha256 = %(token_sha256)s AND t.expires_at > %(now)s AND t.revoked_at IS NULL
  AND u.removed_at IS NULL
