//! Text into sound: one short tone per character, as a WAV file. It is no speech; it is real
//! audio that differs with text, voice and bitrate, and costs next to nothing to make.

use std::f64::consts::TAU;

/// Longest text, in characters: with the highest bitrate its audio stays below 400 KiB.
pub(crate) const TEXT_CHARACTERS_MAX: usize = 280;

/// Length of one character's tone: short enough for small files, long enough to be heard.
const TONE_MS: u32 = 40;

/// Bytes of a WAV head with one format chunk, before the samples.
const HEAD_BYTES: u32 = 44;

/// Pitch of the deepest voice in hertz, the A below middle C (ISO 16).
const LOWEST_PITCH_HZ: f64 = 220.0;

/// Semitones between the lowest and highest pitch of one voice: two octaves.
const SEMITONES: u32 = 24;

/// The audio's length in milliseconds.
pub(crate) fn duration_ms(text: &str) -> u32 {
    let characters = text.chars().count().min(TEXT_CHARACTERS_MAX);
    u32::try_from(characters).expect("the limit is small") * TONE_MS
}

/// The text as a WAV file: mono, 8 bits per sample, `bitrate_kbps` * 125 samples per second.
/// Characters beyond [`TEXT_CHARACTERS_MAX`] are left out.
pub(crate) fn synthesise(text: &str, voice: &str, bitrate_kbps: u32) -> Vec<u8> {
    let rate_hz = bitrate_kbps * 125;
    let samples = rate_hz * duration_ms(text) / 1000;
    let mut file = head(rate_hz, samples);
    let per_tone = rate_hz * TONE_MS / 1000;
    for character in text.chars().take(TEXT_CHARACTERS_MAX) {
        let pitch_hz = pitch_hz(character, voice);
        file.extend((0..per_tone).map(|index| sample(index, per_tone, pitch_hz, rate_hz)));
    }
    file
}

/// The RIFF head of uncompressed samples (Microsoft and IBM, Multimedia Programming Interface
/// and Data Specifications 1.0, 1991).
fn head(rate_hz: u32, samples: u32) -> Vec<u8> {
    let mut head = Vec::with_capacity((HEAD_BYTES + samples) as usize);
    head.extend(b"RIFF");
    head.extend((HEAD_BYTES - 8 + samples).to_le_bytes());
    head.extend(b"WAVEfmt ");
    head.extend(16_u32.to_le_bytes());
    head.extend(1_u16.to_le_bytes()); // uncompressed
    head.extend(1_u16.to_le_bytes()); // channels
    head.extend(rate_hz.to_le_bytes());
    head.extend(rate_hz.to_le_bytes()); // bytes per second
    head.extend(1_u16.to_le_bytes()); // bytes per frame
    head.extend(8_u16.to_le_bytes()); // bits per sample
    head.extend(b"data");
    head.extend(samples.to_le_bytes());
    head
}

/// White space is silence; every other character is a step of the scale above the voice's pitch.
fn pitch_hz(character: char, voice: &str) -> Option<f64> {
    if character.is_whitespace() {
        return None;
    }
    let voice: u32 = voice.bytes().map(u32::from).sum();
    let semitone = f64::from(u32::from(character) % SEMITONES + voice % 12);
    Some(LOWEST_PITCH_HZ * (semitone / 12.0).exp2())
}

/// One sample of a sine that rises and falls within its tone, so that tones do not click.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value lies between 28 and 228"
)]
fn sample(index: u32, per_tone: u32, pitch_hz: Option<f64>, rate_hz: u32) -> u8 {
    let Some(pitch_hz) = pitch_hz else { return 128 };
    let time_s = f64::from(index) / f64::from(rate_hz);
    let share = f64::from(index) / f64::from(per_tone);
    let loudness = (share * TAU / 2.0).sin() * 100.0;
    (128.0 + loudness * (TAU * pitch_hz * time_s).sin()).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8], at: usize) -> usize {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    }

    #[test]
    fn the_head_agrees_with_the_samples() {
        let file = synthesise("ab c", "ada", 64);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(&file[8..16], b"WAVEfmt ");
        assert_eq!(number(&file, 4), file.len() - 8);
        assert_eq!(number(&file, 24), 8000);
        assert_eq!(number(&file, 40), file.len() - 44);
        assert_eq!(file.len() - 44, 4 * 40 * 8);
        assert_eq!(duration_ms("ab c"), 160);
    }

    #[test]
    fn text_voice_and_bitrate_are_heard() {
        let base = synthesise("ab", "ada", 64);
        assert_eq!(base, synthesise("ab", "ada", 64));
        assert_ne!(base, synthesise("ac", "ada", 64));
        assert_ne!(base, synthesise("ab", "bob", 64));
        assert_ne!(base.len(), synthesise("ab", "ada", 128).len());
        assert!(synthesise(" ", "ada", 64)[44..].iter().all(|sample| *sample == 128));
    }

    #[test]
    fn the_longest_audio_stays_below_400_kib() {
        let text = "x".repeat(TEXT_CHARACTERS_MAX + 100);
        assert!(synthesise(&text, "ada", 256).len() < 400 << 10);
    }
}
