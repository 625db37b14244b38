"""`python -m conjunct.cli`, as `conjunct up` starts its child processes."""

from conjunct.cli.main import main

if __name__ == "__main__":
    main()
