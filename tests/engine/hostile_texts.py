"""What strangers type into a box: valid expressions gone wrong, Python, noise."""

VALID = (
    "score_mse > 2 and snr > 5",
    "1 <= z < 2.5 or redshift_warning != 0",
    "spectype in ('QSO', 'STAR') and not is_simulated",
    "snr between 1 and 20 & morphtype = 'PSF'",
    "target_id == 4611686018427400249 | cluster is not null",
    "log10(abs(latent_5) + 1e-3) ** 2 % 3 < sqrt(exp(-z))",
    "where(snr > 5, maximum(flux_g, 0), minimum(flux_r, 1)) >= arctan2(sin(z), cos(z))",
    "floor(tan(log(ebv))) + ceil(rZ) - round(rB / 2) * +3 <= 1",
    "isnull(gr_color) == false or worst_band != \"B\"",
)  # fmt: skip
PYTHON = (
    "canary()", "canary.x", "canary", "(canary)(1)", "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()", "lambda: canary()", "f'{canary()}'", "(z := 5)",
    "[canary() for _ in (1,)]", "{'a': canary()}", "np.load('x')", "np", "nan", "df", "df['snr']",
    "eval('canary()')", "exec(\"canary()\")", "getattr(snr, 'x')", "snr if z else canary()",
    "open('/etc/passwd')", "snr @ z", "snr; canary()", "snr\ncanary()", "not", "*snr", "**snr",
    "our_where(1, 2, 3)", "c0 > 1", "astype(snr, 'float64')", "9**9**9**9", "9" * 1999,
    "1e308 * 1e308 > 1", "(" * 1000, "(" * 49 + "1" + ")" * 49, "-" * 1999, "not " * 499,
    "snr[" * 300, "abs(" * 400, "'" * 1999, "((((((((((" * 199, "0 <" * 400 + "snr",
    "+".join(["snr"] * 400), "**".join(["2"] * 400) + ">1", "1," * 900, "snr > 1e-999",
    "ѕnr > 1", "snr > １", "snr ＞ 1", "snr\u00a0> 1", "snr > 1\u2028", "snr\x00> 1", "\ud800",
    "\u202esnr > 1", "é", "", " ", "\t\n", "# comment", "snr > 1 # canary()", "--", "/* */",
    "' or 1=1",
)  # fmt: skip
WORDS = (
    "and", "or", "not", "in", "between", "is", "null", "true", "false", "snr", "z", "spectype",
    "'QSO'", "is_simulated", "latent_7", "target_id", "(", ")", ",", "+", "-", "*", "/", "**", "%",
    "<", "<=", "==", "!=", "=", "&", "|", "~", "0", "1", "2.5", "1e300", "9223372036854775808",
    "abs(", "where(", "minimum(", "isnull(", "canary", ".", "__class__", "[", "]", ":", "lambda",
)  # fmt: skip


def hostile_texts(rng, n):
    """N texts, the same for the same random generator."""
    for i in range(n):
        yield (_mutated, _mutated, _shuffled, _noise, _python)[i % 5](rng)


def _mutated(rng):
    text = list(rng.choice(VALID))
    for _ in range(rng.randint(0, 3)):
        place = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text[place : place + rng.randint(1, 4)] = []
            case 1:
                text[place:place] = rng.choice(WORDS)
            case 2:
                text[place : place + 1] = chr(rng.choice((rng.randrange(128), rng.randrange(9999))))
            case _:
                text[place:place] = rng.choice(VALID + PYTHON)
    return "".join(text)


def _shuffled(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 30)))


def _noise(rng):
    raw = rng.randbytes(rng.randint(0, 200))
    return raw.decode(rng.choice(("latin-1", "utf-8", "utf-16-le")), "replace")


def _python(rng):
    glue = rng.choice((" ", " and ", " > ", ", ", "(", ""))
    return glue.join(rng.choice(PYTHON + VALID) for _ in range(rng.randint(1, 3)))
