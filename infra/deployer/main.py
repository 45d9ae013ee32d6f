"""Deploys Precis into an AWS account, or says why not before anything is made.

    infra/deploy plan ENV       what a deployment would change
    infra/deploy deploy ENV     build and push images, show the changes, ask, carry them out, wait
    infra/deploy diff ENV       what the templates here say otherwise than those that are deployed
    infra/deploy destroy ENV    the stack goes; documents, jobs and the key stay
    infra/deploy check ENV      all that can be checked without an account

ENV is a file in infra/environments, without .yml. `--yes` asks nothing, for machines; `--root FILE` deploys another root;
`--images FILE` takes images of a release in place of building them. `destroy --documents` deletes what is kept, too, once
its stack's name is typed twice.
"""

import argparse
import sys

import aws
import idle
import packing
import settings
import stacks
from botocore.exceptions import BotoCoreError, ClientError
from refusal import Refusal


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra/deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["check", "plan", "deploy", "diff", "destroy"])
    parser.add_argument("environment", metavar="ENV")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--root", default="precis.yml", help="another root template")
    parser.add_argument("--images", help="a file with the digests of images that are pushed already")
    parser.add_argument("--documents", action="store_true", help="with destroy: documents, results, jobs and the key, too")
    return parser.parse_args()


def ask(question: str, answer: str) -> None:
    """Goes on if the answer is typed."""
    try:
        said = input(f"{question}\nType {answer} to go on: ")
    except EOFError:
        said = ""
    if said.strip() != answer:
        raise Refusal("nothing was changed", "that was not the answer", "run it again, or with --yes")


def run(options: argparse.Namespace) -> None:
    chosen = settings.read(options.environment, options.root)
    if options.command == "check":
        idle.show(settings.check(chosen, chosen.parameters | packing.PLACEHOLDERS))
        print(f"{options.environment}: everything that can be checked without an account is well")
        return
    account = aws.Account(chosen)
    account.check()
    if options.command == "destroy":
        stacks.destroy(account, documents=options.documents, ask=None if options.yes and not options.documents else ask)
        return
    existing = stacks.current(account)
    if options.command == "diff":
        stacks.diff(account, existing)
        return
    left = [] if existing else stacks.remains(account)
    if left:
        raise Refusal(f"{chosen.stack} was deployed before, and what it held is still there", ", ".join(name for _, name in left),
                      f"choose another Stack; or, if it may all go, infra/deploy destroy {options.environment} --documents")
    stacks.same_machines(account, existing)
    if options.command == "deploy":
        account.prepare()
    images = {}
    if options.root == "precis.yml":
        idle.show(settings.check(chosen, chosen.parameters | packing.PLACEHOLDERS))
        if options.command == "deploy" or options.images or chosen.images:
            images = packing.images(account, options.images or chosen.images)
        else:
            # A plan builds nothing: it shows what else would change.
            images = stacks.images_of(existing) or packing.PLACEHOLDERS
    changes = stacks.propose(account, existing, packing.templates(account, options.root), chosen.parameters | images)
    if changes is None:
        print("nothing to change")
    elif options.command == "plan":
        stacks.forget(account, changes)
    else:
        if not options.yes:
            ask(f"{chosen.stack} in {account.number}, {chosen.region}.", chosen.stack)
        stacks.carry_out(account, changes, existing)
    if options.command == "deploy":
        stacks.what_now(account)


def main() -> int:
    try:
        run(parse())
    except Refusal as refusal:
        print(f"infra/deploy: {refusal}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"infra/deploy: AWS refused: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninfra/deploy: stopped here; what AWS has begun goes on there: run it again to see", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
