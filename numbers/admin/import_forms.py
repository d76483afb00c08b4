"""Forms of the import pages: the file, and how to read it."""

from typing import Any

import phonenumbers
from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat

from config.admin.form_fields import AmountField, OneLine
from numbers.imports.job import KIND, layout_of, options_of
from numbers.imports.layout import FIELDS, Layout, Options
from numbers.models import Job, PhoneNumber

_LABELS = {
    "sms_enabled": "SMS",
    "mms_enabled": "MMS",
    "rate_center": "rate center",
    "sandbox": "test inventory",
}
MEANINGS = [
    ("ignore", "(ignored)"),
    *((name, _LABELS.get(name, name.replace("_", " "))) for name in FIELDS),
]
_AS_THE_FILE_SAYS = ("", "as the file says")
_FLAG = [_AS_THE_FILE_SAYS, ("yes", "yes"), ("no", "no")]
_FLAGS = {"": None, "yes": True, "no": False}
_ENCODINGS = [
    ("", "detect"),
    ("utf-8", "UTF-8"),
    ("cp1252", "Windows-1252"),
    ("latin-1", "Latin-1"),
    ("utf-16", "UTF-16"),
]
_DELIMITERS = [("", "detect"), (",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )

    # The import whose settings the file gets, if it has the lines that were rejected.
    like = forms.ModelChoiceField(
        Job.objects.filter(kind=KIND, status=Job.Status.DONE),
        required=False,
        widget=forms.HiddenInput,
        error_messages={
            "invalid_choice": "The import whose settings this file should get does not exist."
        },
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            limit = filesizeformat(settings.IMPORT_MAX_BYTES)
            raise forms.ValidationError(
                f"{file.name} is larger than {limit}: split it, or use the command import_numbers."
            )
        return file


class ReadingForm(forms.Form):
    """How to read the file, defaults for what it does not state, and a field for each column."""

    region = forms.ChoiceField(label="Country of national numbers")
    encoding = forms.ChoiceField(choices=_ENCODINGS, required=False)
    delimiter = forms.ChoiceField(choices=_DELIMITERS, required=False, label="Between cells")
    no_header = forms.BooleanField(
        label="No header line",
        required=False,
        help_text="The first line is data, not the names of the columns.",
    )
    price = AmountField(
        required=False,
        help_text="1.00 if neither the file nor this states one.",
    )
    monthly_price = AmountField(
        required=False,
        help_text="0.00 if neither the file nor this states one: such numbers have no rent.",
    )
    number_type = forms.ChoiceField(
        choices=[("", "follows from the number"), *PhoneNumber.Type.choices], required=False
    )
    sms_enabled = forms.ChoiceField(choices=_FLAG, required=False, label="SMS")
    mms_enabled = forms.ChoiceField(choices=_FLAG, required=False, label="MMS")
    carrier = OneLine(max_length=64, required=False)
    sandbox = forms.BooleanField(
        label="Test inventory",
        required=False,
        help_text="For sandbox organizations only. This can't be changed later.",
    )
    atomic = forms.BooleanField(label="All lines or none", required=False)
    dry_run = forms.BooleanField(
        label="Dry run", required=False, help_text="Report what would happen, and write nothing."
    )

    @classmethod
    def of(cls, job: Job, posted: Any) -> "ReadingForm":
        form = cls(posted, initial=_initial(job))
        form.job = job
        form.count = _count_of(posted)
        for place in range(1, form.count + 1):
            form.fields[f"column_{place}"] = forms.ChoiceField(choices=MEANINGS, required=False)
        return form

    job: Job
    count: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        regions = sorted((code, code) for code in phonenumbers.SUPPORTED_REGIONS)
        self.fields["region"].choices = regions  # type: ignore[attr-defined]

    def stored_options(self) -> Options:
        return options_of(self.job.parameters)

    def options(self) -> Options:
        """Return the posted options; detect the columns if the form is that of another file."""
        said = self.cleaned_data
        read = Options(
            delimiter=said["delimiter"] or None,
            encoding=said["encoding"] or None,
            has_header=not said["no_header"],
            region=said["region"],
            number_type=said["number_type"] or None,
        )
        same = len(layout_of(self.job, read).names) == self.count
        mapping = {
            f"#{place}": said[f"column_{place}"] or "ignore" for place in range(1, self.count + 1)
        }
        return Options(
            mapping=mapping if same else {},
            delimiter=read.delimiter,
            encoding=read.encoding,
            has_header=read.has_header,
            region=read.region,
            price=said["price"],
            monthly_price=said["monthly_price"],
            number_type=said["number_type"] or None,
            sms_enabled=_FLAGS[said["sms_enabled"]],
            mms_enabled=_FLAGS[said["mms_enabled"]],
            carrier=said["carrier"],
            sandbox=said["sandbox"],
        )

    def name_columns(self, layout: Layout) -> None:
        """Replace the column fields by those of the layout, each with its meaning selected."""
        for place in range(1, self.count + 1):
            del self.fields[f"column_{place}"]
        self.count = len(layout.names)
        self.initial["no_header"] = not layout.has_header
        self.columns = []
        for place, (name, meaning) in enumerate(zip(layout.names, layout.meanings, strict=True), 1):
            field = forms.ChoiceField(choices=MEANINGS, label=f"Meaning of {name}")
            self.columns.append(
                {
                    "name": name or f"column {place}",
                    "id": f"id_column_{place}",
                    "widget": field.widget.render(
                        f"column_{place}",
                        meaning or "ignore",
                        {"id": f"id_column_{place}", "aria-label": f"Meaning of {name}"},
                    ),
                }
            )


def _count_of(posted: Any) -> int:
    count = posted.get("columns", "0") if posted else "0"
    return min(int(count), 500) if count.isdecimal() and len(count) < 5 else 0


def _initial(job: Job) -> dict[str, Any]:
    stored = options_of(job.parameters)
    shown = {True: "yes", False: "no", None: ""}
    return {
        "region": stored.region,
        "encoding": stored.encoding or "",
        "delimiter": stored.delimiter or "",
        "price": stored.price,
        "monthly_price": stored.monthly_price,
        "number_type": stored.number_type or "",
        "sms_enabled": shown[stored.sms_enabled],
        "mms_enabled": shown[stored.mms_enabled],
        "carrier": stored.carrier,
        "sandbox": stored.sandbox,
        "atomic": job.parameters.get("atomic", False),
        # A dry run is not repeated unless the operator asks for it again.
        "dry_run": False,
    }
