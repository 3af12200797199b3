"""The application for a web server; the database is named by `PETITIONS_DATABASE`."""

import os

from tests.benchmarks.peers.viewflow_peer import set_up

set_up(os.environ["PETITIONS_DATABASE"])

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
