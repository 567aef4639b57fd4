namespace Monge.Engine.Random;

/// <summary>
/// A random stream of the user's seed, named for its purpose (initial law, data order, noise of a path, evaluation). Each part of a program declares the
/// streams it draws from as static fields of this type; no two may share a number, or their draws would be the same.
/// </summary>
public readonly record struct StreamName
{
    // Numbers below are given by hand; hashes lie above, so that the two kinds never meet.
    private const int FirstHash = 1 << 16;

    private StreamName(string name, int number) => (Name, Number) = (name, number);

    /// <summary>The purpose, in words.</summary>
    public string Name { get; }

    /// <summary>The stream number of <see cref="RandomKey"/>.</summary>
    public int Number { get; }

    /// <summary>The stream of a purpose, its number a hash of the name: the same on every machine, and for ever.</summary>
    /// <param name="name">The purpose, in words; another one for each stream.</param>
    /// <returns>A stream whose number, FNV-1a of the name's UTF-16 code units in 64 bits folded to 31, is at least 2^16.</returns>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static StreamName Of(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var hash = 0xCBF29CE484222325UL;
        foreach (var unit in name)
        {
            hash = (hash ^ unit) * 0x100000001B3UL;
        }

        var number = (int)((hash ^ (hash >> 33)) & int.MaxValue);
        return new StreamName(name, number < FirstHash ? number + FirstHash : number);
    }

    /// <summary>A stream whose number is given, for draws that were published before streams had names.</summary>
    /// <param name="name">The purpose, in words.</param>
    /// <param name="number">The number, at least 0 and below 2^16.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number lies outside that range, which would let it meet a hash.</exception>
    public static StreamName Numbered(string name, int number)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, FirstHash);
        return new StreamName(name, number);
    }

    /// <summary>One of a row of streams: the one whose number is higher by k.</summary>
    /// <param name="k">Its place; 0 is this stream itself.</param>
    public StreamName Member(int k) => new($"{Name} {k}", Number + k);

    /// <summary>The stream's number, as traced programs take it.</summary>
    /// <param name="stream">The stream.</param>
    public static implicit operator int(StreamName stream) => stream.Number;

    /// <summary>The stream's number, as <see cref="RandomKey"/> and <see cref="RandomStream"/> take it.</summary>
    /// <param name="stream">The stream.</param>
    public static implicit operator uint(StreamName stream) => (uint)stream.Number;
}
