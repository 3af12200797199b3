"""Messages: each person's inbox, and the copies that leave by mail or chat."""
