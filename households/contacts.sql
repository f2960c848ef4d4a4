-- name: add_contact
INSERT INTO home_contacts (household_id, name, webhook_url, webhook_secret, apprise_url, added_at)
SELECT household_id, %(name)s, %(webhook_url)s, %(webhook_secret)s, %(apprise_url)s, %(now)s
FROM households WHERE household_id = %(household_id)s AND removed_at IS NULL
RETURNING contact_id

-- name: remove_contact
UPDATE home_contacts SET removed_at = %(now)s, webhook_secret = NULL
WHERE household_id = %(household_id)s AND contact_id = %(contact_id)s AND removed_at IS NULL
RETURNING contact_id

-- name: contacts
SELECT contact_id, name, CASE WHEN webhook_url IS NULL THEN 'apprise' ELSE 'webhook' END AS channel,
       added_at
FROM home_contacts WHERE household_id = %(household_id)s AND removed_at IS NULL
ORDER BY contact_id
