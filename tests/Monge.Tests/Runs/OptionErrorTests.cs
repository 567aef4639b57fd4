using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Runs;

/// <summary>What is said of options that someone wrote by hand.</summary>
public sealed class OptionErrorTests
{
    [Theory]
    [InlineData("""{ "learningRate": "fast" }""", "The option 'learningRate' holds the text \"fast\" where a number or null belongs.")]
    [InlineData("""{ "iterations": 10.5 }""", "The option 'iterations' holds the number 10.5 where a whole number or null belongs.")]
    [InlineData("""{ "sharedNetwork": 1 }""", "The option 'sharedNetwork' holds the number 1 where true or false belongs.")]
    [InlineData("""{ "schedule": [1, 2] }""", "The option 'schedule' holds the list [1,2] where a text belongs.")]
    [InlineData("""{ "activation": "sigmoid" }""", "The option 'activation' holds the text \"sigmoid\" where one of silu, ")]
    [InlineData("""{ "couplingSize": null }""", "The option 'couplingSize' holds null where a whole number belongs.")]
    [InlineData("""{ "budget": {} }""", "The option 'budget' holds the object {} where a time such as \"00:02:00\" or null belongs.")]
    [InlineData("""{ "rate": 1 }""", "There is no option 'rate'; there are schedule, form, ")]
    [InlineData("[1]", "The options are the list [1]; write an object, for example {}.")]
    [InlineData("{ \"width\": 3,\n  \"depth\" 4 }", "The options aren't JSON: line 2, character 11 can't be read.")]
    public void Types_are_told_in_words(string json, string sentence)
    {
        var error = Assert.Throws<ArgumentException>(() => MethodOptions.Parse<InterpolantOptions>(json));
        Assert.StartsWith(sentence, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", error.Message, StringComparison.Ordinal);
    }
}
