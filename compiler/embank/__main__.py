"""`python -m embank`."""

from embank.cli.main import main

raise SystemExit(main())
