"""From planned pages to a responder's pager: the dispatcher and its channels."""
