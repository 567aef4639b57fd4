using System.Globalization;
using System.Runtime.CompilerServices;

namespace Monge.Gallery;

/// <summary>An interpolated line whose numbers are written alike in every culture.</summary>
[InterpolatedStringHandler]
internal ref struct InvariantLine(int literalLength, int formattedCount)
{
    private DefaultInterpolatedStringHandler _text = new(literalLength, formattedCount, CultureInfo.InvariantCulture);

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    public void AppendFormatted<T>(T value, int alignment, string? format = null) => _text.AppendFormatted(value, alignment, format);

    public string Finish() => _text.ToStringAndClear();
}
