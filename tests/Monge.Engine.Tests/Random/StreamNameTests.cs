using Monge.Engine.Random;

namespace Monge.Engine.Tests.Random;

public sealed class StreamNameTests
{
    // FNV-1a of the empty text's neighbours is published: 0xaf63dc4c8601ec8c for "a", 0x85944171f73967e8 for "foobar" (Fowler, Noll and Vo).
    [Theory]
    [InlineData("a", 0xAF63DC4C8601EC8CUL)]
    [InlineData("foobar", 0x85944171F73967E8UL)]
    public void The_number_of_a_name_is_its_published_hash_folded(string name, ulong hash) =>
        Assert.Equal((int)((hash ^ (hash >> 33)) & int.MaxValue), StreamName.Of(name).Number);

    [Fact]
    public void Names_never_meet_numbers_given_by_hand()
    {
        Assert.All(Enumerable.Range(0, 100_000), k => Assert.True(StreamName.Of($"stream {k}").Number >= 1 << 16));
        Assert.Throws<ArgumentOutOfRangeException>(() => StreamName.Numbered("too high", 1 << 16));
        Assert.Throws<ArgumentOutOfRangeException>(() => StreamName.Numbered("negative", -1));
        Assert.Throws<ArgumentException>(() => StreamName.Of(" "));
    }

    [Fact]
    public void A_named_stream_draws_as_its_number_does()
    {
        var stream = StreamName.Numbered("draws", 17);
        Assert.Equal(new RandomStream(5, 17).NextUInt64(), new RandomStream(5, stream).NextUInt64());
        Assert.Equal(new RandomKey(5, 19), new RandomKey(5, stream.Member(2)));
    }
}
