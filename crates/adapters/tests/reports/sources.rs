//! The small projects whose reports are read. Runs nothing.

/// Seven lines that can be run, two of which no test does.
pub(crate) const SHOP_PY: &str = "\
def total(prices):
    result = 0
    for price in prices:
        result += price
    return result

def refund(price):
    return -price
";

/// One that passes and one that is not run.
pub(crate) const TEST_SHOP_PY: &str = "\
import pytest
from shop import total

def test_empty():
    assert total([]) == 0

@pytest.mark.skip(reason='later')
def test_refund():
    pass
";

/// One fails, one errs after it passed, one does both, and one is well.
pub(crate) const TEST_SHOP_BROKEN_PY: &str = "\
import pytest
from shop import total

@pytest.fixture
def till():
    yield
    raise OSError('the till is stuck')

def test_well():
    assert total([1, 2]) == 3

def test_teardown(till):
    assert total([1]) == 1

def test_wrong():
    assert total([1, 2]) == 4

class TestBoth:
    def test_setup(self, nothing_of_this_name):
        pass
";

/// One finding of each severity.
pub(crate) const UNSAFE_PY: &str = "\
import tempfile
import subprocess

def run(words):
    return subprocess.call(words, shell=True)

def place():
    return tempfile.mktemp()
";

/// Three lines that can be run, one of which no test does.
pub(crate) const SUM_JS: &str = "\
exports.sum = (one, other) => one + other;
exports.never = () => {
  return 7;
};
";

/// One that passes and one that is not run.
pub(crate) const SUM_TEST_JS: &str = "\
const { sum } = require('./sum');
describe('shop', () => {
  test('adds', () => expect(sum(1, 2)).toBe(3));
  test.skip('takes away', () => {});
});
";

/// One that fails.
pub(crate) const WRONG_TEST_JS: &str = "\
describe('shop', () => {
  test('counts wrongly', () => expect(1 + 2).toBe(4));
});
";

/// Of a workspace of its own, whatever folder it lies in.
pub(crate) const CARGO_TOML: &str = "\
[package]
name = \"shop\"
version = \"0.1.0\"
edition = \"2021\"

[features]
broken = []

[workspace]
";

/// A report, and a second chance.
pub(crate) const NEXTEST_TOML: &str = "\
[profile.ci]
retries = 1
fail-fast = false
[profile.ci.junit]
path = \"junit.xml\"
";

/// One that is well, one that is so in its second run alone, and one that never is.
pub(crate) const LIB_RS: &str = "\
#[cfg(test)]
mod tests {
    #[test]
    fn well() {}

    #[test]
    fn second_time() {
        let again = std::path::Path::new(\"again\").exists();
        std::fs::write(\"again\", \"\").unwrap();
        assert!(again);
    }

    #[test]
    #[cfg(feature = \"broken\")]
    fn wrong() {
        panic!(\"always\");
    }
}
";

/// What names the project in its bill of materials.
pub(crate) const PYPROJECT: &str = "\
[project]
name = 'shop'
version = '1.0.0'
";
